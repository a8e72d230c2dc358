# What the tests look at, of several variants of the example host at once. `lib` is that of nixpkgs.
{ lib, top }:
let
  derivation' = name: {
    type = "derivation";
    inherit name;
    outPath = "/nix/store/00000000000000000000000000000000-${name}";
  };
  pkgs = {
    nixseal.agent = derivation' "nixseal-agent";
    stdenv.buildPlatform.canExecute = _: true;
    runCommand =
      name: attributes: script:
      derivation' name // { inherit attributes script; };
  };
  evaluate =
    module:
    let
      inherit
        (lib.evalModules {
          modules = [
            ./host-options.nix
            (top + "/nix/module.nix")
            (top + "/nix/example/host.nix")
            { _module.args.pkgs = pkgs; }
            module
          ];
        })
        config
        ;
    in
    {
      inherit (config) warnings;
      failed = map (one: one.message) (lib.filter (one: !one.assertion) config.assertions);
      services = lib.mapAttrs (_: unit: {
        inherit (unit)
          after
          before
          wants
          wantedBy
          requiredBy
          unitConfig
          serviceConfig
          restartIfChanged
          overrideStrategy
          ;
      }) config.systemd.services;
      scripts = config.system.activationScripts;
      secrets = lib.mapAttrs (_: secret: removeAttrs secret [ "file" ]) config.nixseal.secrets;
      manifest = config.nixseal.manifest.attributes.manifest;
      inherit (config.nixseal.manifest) script;
    };
  failing =
    module:
    let
      result = evaluate module;
    in
    {
      inherit (result) failed warnings;
    };
in
{
  plain = evaluate { };
  userborn = evaluate { services.userborn.enable = true; };
  sysusers = evaluate { systemd.sysusers.enable = true; };
  unknownHost = (failing { nixseal.host = lib.mkForce "luftaa"; }).failed;
  noIdentity = (failing { nixseal.identities = [ ]; }).failed;
  storeIdentity = (failing { nixseal.identities = [ "${builtins.storeDir}/key" ]; }).failed;
  usersOwner = (failing { nixseal.secrets.alice-password.owner = "alice"; }).failed;
  lateIdentity =
    (failing {
      nixseal.identities = [ "/persist/key" ];
      fileSystems."/persist".fsType = "ext4";
    }).failed;
  earlyIdentity =
    (failing {
      nixseal.identities = [ "/persist/key" ];
      fileSystems."/persist".neededForBoot = true;
    }).failed;
  volatileRoot =
    (failing { fileSystems."/".fsType = lib.mkForce "tmpfs"; }).warnings;
  noSshd = (failing { services.openssh.enable = lib.mkForce false; }).warnings;
  unknownOwner = (failing { nixseal.secrets.wifi.owner = "wpa"; }).warnings;
  badMode = (builtins.tryEval (evaluate { nixseal.secrets.wifi.mode = "0666"; }).manifest).success;
  badName =
    (builtins.tryEval (evaluate { nixseal.secrets."a b".file = /dev/null; }).script).success;
  badIdentity =
    (builtins.tryEval (evaluate { nixseal.identities = [ "key" ]; }).manifest).success;
  setPath = (builtins.tryEval (evaluate { nixseal.secrets.wifi.path = "/x"; }).manifest).success;
  disabled = (evaluate { nixseal.enable = lib.mkForce false; }).services;
}
