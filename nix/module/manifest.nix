# The one thing that gets into the closure: the manifest and the ciphertexts of this host's own secrets. The fleet's
# directory itself does not.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.nixseal;
  nixseal = import ../lib.nix;
  text = import ../fleet/text.nix;

  manifest = nixseal.manifestOf {
    inherit (cfg) host;
    identities = map (text.absolutePath "nixseal.identities") cfg.identities;
    secrets = lib.mapAttrs (
      name: secret:
      { inherit (secret) file; } // nixseal.placement "nixseal.secrets.${name}" name secret
    ) cfg.secrets;
  };

  # Names are checked when fleet.toml is read; those that come from Nix are checked here, before a shell sees them.
  copy = name: secret: ''
    cp ${
      builtins.path {
        name = "${text.name "nixseal.secrets" name}.age";
        path = secret.file;
      }
    } "$out/secrets/${name}.age"
  '';

  agent =
    if pkgs.stdenv.buildPlatform.canExecute pkgs.stdenv.hostPlatform then
      cfg.package
    else
      (pkgs.buildPackages.callPackage ../package.nix { }).agent;
in
{
  config = lib.mkIf cfg.enable {
    nixseal.manifest =
      pkgs.runCommand "nixseal-${cfg.host}"
        {
          manifest = builtins.toJSON manifest;
          passAsFile = [ "manifest" ];
          preferLocalBuild = true;
          allowSubstitutes = false;
        }
        ''
          mkdir -p "$out/secrets"
          cp "$manifestPath" "$out/manifest.json"
          echo >> "$out/manifest.json"
          ${lib.concatStrings (lib.mapAttrsToList copy cfg.secrets)}
          # The program that installs it reads it here first: what it would refuse on the host is not built.
          ${agent}/bin/nixseal-agent secrets check --manifest "$out/manifest.json"
        '';
  };
}
