# The options of watching: docs/watch.md.
{ lib, ... }:
let
  inherit (lib) literalExpression mkOption types;
in
{
  options.nixseal.watch = {
    enable = mkOption {
      type = types.bool;
      default = false;
      example = true;
      description = "Whether this host matches its running system against a feed of advisories, and tells what it finds.";
    };
    feed = mkOption {
      type = types.str;
      example = "https://advisories.example.org/feed";
      description = "The feed: a URL, or the absolute path of a directory or a bundle on the host.";
    };
    root = mkOption {
      type = types.path;
      example = literalExpression "./advisories.root.json";
      description = "The feed's first root, after comparing it with its publisher's. It is public.";
    };
    minimum = mkOption {
      type = types.enum [ "info" "low" "medium" "high" "critical" ];
      default = "high";
      description = "From which severity on an affected package is worth a notice. What is exploited always is.";
    };
    critical = mkOption {
      type = types.enum [ "notify" "patch" "stop" ];
      default = "notify";
      description = "What the host may do by itself about advisories that the team signed as critical: tell; activate a signed system that waits; or, where there is none, stop the units that reach what is vulnerable.";
    };
    neverStop = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "postgresql.service" "wg-quick-*.service" ];
      description = "Units that are never stopped, `*` for any text. The ways in and systemd's own are on the list anyway.";
    };
    interval = mkOption {
      type = types.str;
      default = "hourly";
      description = "When it looks (`OnCalendar=`), beside each switch and each boot.";
    };
    desktop = mkOption {
      type = types.bool;
      default = true;
      description = "Whether people at a desktop of this host get a notification.";
    };
    terminal = mkOption {
      type = types.bool;
      default = true;
      description = "Whether shells show notices when they start.";
    };
  };
}
