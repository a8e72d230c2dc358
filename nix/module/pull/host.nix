# The timer and its service: as the gate's deploy user, who can ask the gate for everything and write nothing but the quarantine.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.nixseal;
  inherit (cfg) gate pull;
  parts = import ../gate/parts.nix { inherit config; };
  one = (pull.source != null) != (pull.repository != null);
in
{
  config = lib.mkIf pull.enable {
    assertions = [
      {
        assertion = gate.enable && gate.mode == "warrants";
        message = "nixseal: pull needs the gate: set nixseal.gate.enable, and the mode 'warrants'";
      }
      {
        assertion = gate.confirmWithin == null;
        message = "nixseal: nobody confirms what a host pulls: set nixseal.gate.confirmWithin = null, and let nixseal.gate.health decide";
      }
      {
        assertion = one;
        message = "nixseal: set one of nixseal.pull.source and nixseal.pull.repository";
      }
      {
        assertion = pull.repository == null || pull.cache != null || pull.substitute;
        message = "nixseal: a repository holds no archives: set nixseal.pull.cache, or substitute";
      }
    ];

    environment.etc."nixseal/pull.json".text = builtins.toJSON pull.settings;

    systemd.services.nixseal-pull = {
      description = "Look for an order for this host";
      after = [
        "network-online.target"
        "nix-daemon.socket"
      ];
      wants = [ "network-online.target" ];
      # The program that asks for a switch must not be ended by it.
      restartIfChanged = false;
      path = [
        config.nix.package
        pkgs.util-linux
      ]
      ++ lib.optionals (pull.repository != null) [
        pkgs.gitMinimal
        pkgs.openssh
      ];
      environment.NIX_REMOTE = "daemon";
      serviceConfig = import ./hardening.nix // {
        Type = "oneshot";
        User = gate.user;
        Group = gate.user;
        ExecStart = "${parts.agent} pull";
        TimeoutStartSec = "12h";
      }
      # A directory of orders takes the receipts too, where its owner lets the deploy user write.
      // lib.optionalAttrs (pull.settings.source.kind == "directory" && pull.report == null) {
        ReadWritePaths = (import ./hardening.nix).ReadWritePaths ++ [ "-${pull.source}" ];
      };
    };

    systemd.timers.nixseal-pull = {
      description = "Look for orders for this host";
      wantedBy = [ "timers.target" ];
      timerConfig = {
        OnBootSec = "1min";
        OnUnitInactiveSec = pull.interval;
        RandomizedDelaySec = pull.jitter;
        AccuracySec = "10s";
      };
    };
  };
}
