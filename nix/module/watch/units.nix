# The units and files of watching.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.nixseal.watch;
  agent = "${config.nixseal.package}/bin/nixseal-agent";
  notices = "/var/lib/nixseal/notices.json";

  hook =
    shell:
    pkgs.runCommand "nixseal-notices.${shell}" { preferLocalBuild = true; } ''
      ${agent} notices --hook ${shell} > "$out"
    '';

  # A file of a unit's name there keeps systemd from starting the unit, whoever asks, also at boot. Drop-ins of a whole
  # kind of unit: which one it will be, nobody knows when the system is built.
  holds = pkgs.runCommand "nixseal-holds" { preferLocalBuild = true; } ''
    for kind in service socket timer path; do
      mkdir -p "$out/lib/systemd/system/$kind.d"
      printf '[Unit]\nConditionPathExists=!/var/lib/nixseal/held/%%n\n' > "$out/lib/systemd/system/$kind.d/nixseal.conf"
    done
  '';
in
{
  config = lib.mkIf cfg.enable {
    environment.etc."nixseal/watch.json".text = builtins.toJSON {
      version = 1;
      inherit (cfg)
        feed
        minimum
        critical
        neverStop
        ;
      root = "${builtins.path {
        name = "advisories.root.json";
        path = cfg.root;
      }}";
    };

    systemd = {
      packages = lib.optional (cfg.critical == "stop") holds;

      services.nixseal-watch = {
        description = "Known vulnerabilities of the running system";
        wants = [ "network-online.target" ];
        after = [ "network-online.target" ];
        path = [ config.nix.package ];
        # The unit may not write the store's database; the daemon may.
        environment.NIX_REMOTE = "daemon";
        # At boot, and on each switch: that starts what a target wants and what has ended.
        wantedBy = [ "multi-user.target" ];
        restartIfChanged = false;
        serviceConfig = import ./hardening.nix // {
          # Nobody waits for it: neither a boot nor a switch.
          Type = "exec";
          ExecStart = "${agent} watch";
          RuntimeMaxSec = "30min";
          # 1: something is worth a notice. What is out of date or refused is a failed unit.
          SuccessExitStatus = [ 1 ];
        };
      };
      timers.nixseal-watch = {
        description = "Known vulnerabilities of the running system";
        wantedBy = [ "timers.target" ];
        timerConfig = {
          OnCalendar = cfg.interval;
          RandomizedDelaySec = "10min";
          Persistent = true;
        };
      };
      user = lib.mkIf cfg.desktop {
        services.nixseal-notify = {
          description = "Security notices of this machine";
          wantedBy = [ "graphical-session.target" ];
          after = [ "graphical-session.target" ];
          unitConfig.ConditionPathExists = notices;
          serviceConfig = {
            Type = "oneshot";
            ExecStart = "${agent} notify";
            NoNewPrivileges = true;
            RestrictAddressFamilies = [ "AF_UNIX" ];
            LimitCORE = 0;
          };
        };
        paths.nixseal-notify = {
          description = "Security notices of this machine change";
          wantedBy = [ "graphical-session.target" ];
          partOf = [ "graphical-session.target" ];
          pathConfig.PathChanged = notices;
        };
      };
    };

    environment.interactiveShellInit = lib.mkIf cfg.terminal ". ${hook "sh"}";
    programs.fish.interactiveShellInit = lib.mkIf cfg.terminal "source ${hook "fish"}";
  };
}
