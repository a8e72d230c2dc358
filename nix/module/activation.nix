# Activation on a switch. switch-to-configuration sets NIXOS_ACTION; the agent then hands restarts and reloads to its
# lists, and changes nothing when it is dry-activate.
{ config, lib, ... }:
let
  cfg = config.nixseal;
  inherit (import ./stages.nix { inherit config lib; }) hasUsersStage usersByUnit install;
in
{
  config = lib.mkIf cfg.enable {
    system.activationScripts = lib.mkMerge [
      (lib.mkIf (!usersByUnit) {
        # At boot the unit does it, once all file systems are there.
        nixseal = {
          deps = [
            "specialfs"
            "users"
            "groups"
          ];
          supportsDryActivation = true;
          text = ''
            if [ -n "''${NIXOS_ACTION-}" ] || [ -e /run/current-system ]; then
              ${install "default"}
            fi
          '';
        };
      })
      (lib.mkIf (!usersByUnit && hasUsersStage) {
        # At boot too: users are made by the activation script.
        nixseal-users = {
          deps = [ "specialfs" ];
          supportsDryActivation = true;
          text = install "users";
        };
        users.deps = [ "nixseal-users" ];
      })
      (lib.mkIf usersByUnit {
        # Users of the new configuration are not there yet: the units install. Only the dry run is left to say.
        nixseal = {
          supportsDryActivation = true;
          text = ''
            if [ "''${NIXOS_ACTION-}" = dry-activate ]; then
              ${lib.optionalString hasUsersStage (install "users")}
              ${install "default"}
            fi
          '';
        };
      })
    ];
  };
}
