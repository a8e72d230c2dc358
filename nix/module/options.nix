# The options. What fleet.toml says of a secret is the default of its options here, so that a definition in Nix wins.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib)
    literalExpression
    literalMD
    mkOption
    types
    ;
  cfg = config.nixseal;
  nixseal = import ../lib.nix;
  fleet = nixseal.readFleet cfg.fleet;
  known = cfg.enable && fleet.hosts ? ${cfg.host};
  ofFleet = if known then nixseal.secretsOf fleet cfg.host else { };

  credential.options = {
    unit = mkOption {
      type = types.str;
      example = "grafana.service";
      description = "The service that gets the credential.";
    };
    name = mkOption {
      type = types.str;
      example = "admin";
      description = "The name of the file in the service's `$CREDENTIALS_DIRECTORY`.";
    };
  };

  secret =
    { name, ... }:
    let
      given = ofFleet.${name} or { };
      ofToml = field: default: given.${field} or default;
      fromFleet = text: literalMD "what fleet.toml says, else ${text}";
      units =
        field: description:
        mkOption {
          type = types.listOf types.str;
          default = ofToml field [ ];
          defaultText = fromFleet "[ ]";
          example = [ "grafana.service" ];
          inherit description;
        };
    in
    {
      options = {
        path = mkOption {
          type = types.str;
          readOnly = true;
          default = ofToml "path" "/run/nixseal/secrets/${name}";
          defaultText = fromFleet ''"/run/nixseal/secrets/NAME"'';
          description = "Where the value appears on the host, for other modules to refer to.";
        };
        file = mkOption {
          type = types.path;
          default = nixseal.ciphertextOf fleet name;
          defaultText = literalMD "secrets/NAME.age in the fleet";
          example = literalExpression "./secrets/wifi.age";
          description = "The ciphertext. For secrets that fleet.toml does not have; their recipients are yours to keep.";
        };
        owner = mkOption {
          type = types.str;
          default = ofToml "owner" "root";
          defaultText = fromFleet ''"root"'';
          example = "grafana";
          description = "Owner of the file: a name, or a number as text.";
        };
        group = mkOption {
          type = types.str;
          default = ofToml "group" "root";
          defaultText = fromFleet ''"root"'';
          example = "grafana";
          description = "Group of the file: a name, or a number as text.";
        };
        mode = mkOption {
          type = types.str;
          default = ofToml "mode" "0400";
          defaultText = fromFleet ''"0400"'';
          example = "0440";
          description = "Mode of the file: four octal digits, not writable for others.";
        };
        stage = mkOption {
          type = types.enum [ "default" "users" ];
          default = ofToml "stage" "default";
          defaultText = fromFleet ''"default"'';
          description = "`users`: installed before users are created, for `hashedPasswordFile`. Such a secret belongs to root.";
        };
        restart = units "restart" "Units that are restarted when the value changed.";
        reload = units "reload" "Units that are reloaded when the value changed.";
        credential = mkOption {
          type = types.nullOr (types.submodule credential);
          default = ofToml "credential" null;
          defaultText = fromFleet "null";
          description = "Delivers the value to a service as a systemd credential, with `LoadCredential=`.";
        };
        together = mkOption {
          type = types.nullOr types.str;
          default = ofToml "together" null;
          defaultText = fromFleet "null";
          example = "tls";
          description = "Secrets of one label are installed all or none.";
        };
      };
    };
in
{
  options.nixseal = {
    enable = mkOption {
      type = types.bool;
      default = false;
      example = true;
      description = "Whether to install the secrets that the fleet has for this host.";
    };
    package = mkOption {
      type = types.package;
      default = (pkgs.nixseal or (pkgs.callPackage ../package.nix { })).agent;
      defaultText = literalExpression "pkgs.nixseal.agent";
      description = "The package with `nixseal-agent`, which installs the secrets and checks the manifest at build time.";
    };
    fleet = mkOption {
      type = types.path;
      example = literalExpression "./.";
      description = "The directory with fleet.toml and secrets/.";
    };
    host = mkOption {
      type = types.str;
      default = config.networking.hostName;
      defaultText = literalExpression "config.networking.hostName";
      example = "lufta";
      description = "The name of this host in the fleet.";
    };
    identities = mkOption {
      type = types.listOf types.str;
      default = if known then fleet.hosts.${cfg.host}.identities else [ ];
      defaultText = literalMD "what fleet.toml says, else by the types of the host's host_keys";
      example = [ "/persist/etc/ssh/ssh_host_ed25519_key" ];
      description = "Files on the host with the private keys to try, in this order. Paths as text: a path of Nix would copy the key into the store.";
    };
    secrets = mkOption {
      type = types.attrsOf (types.submodule secret);
      default = { };
      defaultText = literalMD "the secrets that fleet.toml has for this host";
      example = literalExpression ''{ grafana-admin.restart = [ "grafana.service" ]; }'';
      description = "The secrets of this host. Those of fleet.toml are there already; what is set here wins over fleet.toml.";
    };
    manifest = mkOption {
      type = types.package;
      readOnly = true;
      description = "What gets into the store of this host: a directory with manifest.json and the ciphertexts of its own secrets.";
    };
  };

  config = lib.mkIf cfg.enable {
    nixseal.secrets = lib.mapAttrs (_: _: { }) ofFleet;
    assertions = [
      {
        assertion = known;
        message = "nixseal: there is no host '${cfg.host}' in ${toString cfg.fleet}/fleet.toml; add it with 'nixseal host add ${cfg.host}', or set nixseal.host";
      }
    ];
  };
}
