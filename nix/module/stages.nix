# When the two stages run, and how; used by units.nix, activation.nix and checks.nix.
{ config, lib }:
let
  cfg = config.nixseal;
in
{
  hasUsersStage = lib.any (secret: secret.stage == "users") (lib.attrValues cfg.secrets);

  # With systemd-sysusers or userborn a unit makes the users, later than any activation script at boot.
  usersByUnit = (config.systemd.sysusers.enable or false) || (config.services.userborn.enable or false);

  install =
    stage: "${cfg.package}/bin/nixseal-agent secrets install --manifest ${cfg.manifest}/manifest.json --stage ${stage}";
}
