# The units that install at boot. With systemd-sysusers or userborn they do so on a switch too; without, that is the
# activation script's part (activation.nix).
{ config, lib, ... }:
let
  cfg = config.nixseal;
  inherit (import ./stages.nix { inherit config lib; }) hasUsersStage usersByUnit install;

  # switch-to-configuration stops a changed unit and starts it again by way of this target, before it starts others.
  reactivation = lib.optional usersByUnit "sysinit-reactivation.target";

  common = {
    # Everything that is not part of the system's start is ordered after sysinit.target, and so after us.
    wantedBy = [ "sysinit.target" ];
    before = [
      "sysinit.target"
      "shutdown.target"
    ]
    ++ reactivation;
    conflicts = [ "shutdown.target" ];
    requiredBy = reactivation;
    unitConfig = {
      DefaultDependencies = false;
      # systemd.syntax(7): quoted, since a path may hold spaces, and without specifiers.
      RequiresMountsFor = map (
        path: builtins.replaceStrings [ "%" ] [ "%%" ] (builtins.toJSON path)
      ) cfg.identities;
    };
    serviceConfig = import ./hardening.nix // {
      Type = "oneshot";
      RemainAfterExit = true;
      TimeoutStartSec = "3min";
      # 3: some secrets failed. Each of them is a failed unit of its own, nixseal-secret@NAME.service.
      SuccessExitStatus = [ 3 ];
    };
  };
in
{
  config = lib.mkIf cfg.enable {
    systemd.services = {
      nixseal-secrets = lib.mkMerge [
        common
        {
          description = "Secrets of this host";
          after = [
            "local-fs.target"
            "systemd-sysusers.service"
            "userborn.service"
            "nixseal-secrets-users.service"
          ];
          serviceConfig.ExecStart = install "default";
          # Otherwise the activation script has installed already when units are restarted.
          restartIfChanged = usersByUnit;
        }
      ];

      nixseal-secrets-users = lib.mkIf (usersByUnit && hasUsersStage) (
        lib.mkMerge [
          common
          {
            description = "Secrets of this host that users are made with";
            # Not after local-fs.target: users are made before that.
            after = [ "systemd-remount-fs.service" ];
            before = [
              "systemd-sysusers.service"
              "userborn.service"
            ];
            serviceConfig.ExecStart = install "users";
          }
        ]
      );

      # The installer starts an instance for each secret that failed. It fails with the reason.
      "nixseal-secret@" = {
        description = "Secret %i of this host";
        restartIfChanged = false;
        serviceConfig = import ./hardening-verify.nix // {
          Type = "oneshot";
          ExecStart = "${cfg.package}/bin/nixseal-agent secrets verify %i";
        };
      };
    };
  };
}
