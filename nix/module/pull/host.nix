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
  units = import ./units.nix {
    inherit (parts) agent;
    inherit (gate) user;
    inherit (pull) interval jitter;
    receipts =
      if pull.settings.source.kind == "directory" && pull.report == null then pull.source else null;
  };
  service = units."nixseal-pull.service";
  timer = units."nixseal-pull.timer";
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
      description = service.Unit.Description;
      after = service.Unit.After;
      wants = service.Unit.Wants;
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
      serviceConfig = service.Service;
    };

    systemd.timers.nixseal-pull = {
      description = timer.Unit.Description;
      wantedBy = timer.Install.WantedBy;
      timerConfig = timer.Timer;
    };
  };
}
