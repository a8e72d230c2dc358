# The options of a host that looks for its orders itself. What they are for is in docs/pull.md.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  inherit (config.nixseal) pull;
  isGit = pull.repository != null;
  isWeb = pull.source != null && builtins.match "https?://.*" pull.source != null;
in
{
  options.nixseal.pull = {
    enable = mkOption {
      type = types.bool;
      default = false;
      example = true;
      description = "Whether a timer looks for orders for this host. It needs the gate, without a confirmation: health checks decide.";
    };
    source = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "https://deliveries.example.org/bos55";
      description = "The delivery that `nixseal deploy publish` writes: an http or https URL, or a directory.";
    };
    removable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether it is no fault that the directory is not there.";
    };
    repository = mkOption {
      type = types.nullOr (types.submodule {
        options = {
          url = mkOption {
            type = types.str;
            example = "https://git.example.org/fleet.git";
            description = "The fleet's repository, as git takes it.";
          };
          branch = mkOption {
            type = types.str;
            default = "main";
            description = "The branch whose orders count.";
          };
          introduction = mkOption {
            type = types.str;
            description = "The whole id of the commit that this host trusts; every later one is judged by the policy in the history.";
          };
          directory = mkOption {
            type = types.str;
            default = ".";
            description = "Where fleet.toml lies in it.";
          };
        };
      });
      default = null;
      description = "Take the orders from the fleet's repository, in place of a delivery.";
    };
    cache = mkOption {
      type = types.nullOr types.str;
      default = null;
      description = "A binary cache, as URL or directory, compressed with gzip or not at all; null: the one in the delivery.";
    };
    substitute = mkOption {
      type = types.bool;
      default = true;
      description = "Whether the host's own substituters are asked first.";
    };
    report = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "https://receipts.example.org/bos55";
      description = "Where the host's signed receipts are handed in, by HTTP PUT; null: into `receipts/` of a directory that orders come from, where the deploy user can write it.";
    };
    interval = mkOption {
      type = types.str;
      default = "5min";
      description = "How long after a run the next one begins, in systemd's words.";
    };
    jitter = mkOption {
      type = types.str;
      default = "2min";
      description = "The most that is added to it by chance, so that many hosts do not come at once.";
    };
    settings = mkOption {
      type = types.attrs;
      readOnly = true;
      description = "What is written to /etc/nixseal/pull.json.";
    };
  };

  config = lib.mkIf pull.enable {
    nixseal.pull.settings = {
      v = 1;
      source =
        if isGit then
          { kind = "git"; } // { inherit (pull.repository) url branch introduction directory; }
        else if isWeb then
          {
            kind = "web";
            url = pull.source;
          }
        else
          {
            kind = "directory";
            path = pull.source;
            inherit (pull) removable;
          };
      inherit (pull) cache report substitute;
    };
  };
}
