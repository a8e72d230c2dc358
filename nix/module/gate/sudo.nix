# The way to the root side where there is no socket: one command, with its one argument, so that sudo takes no other. The
# message comes on stdin.
{
  config,
  lib,
  options,
  ...
}:
let
  inherit (config.nixseal) gate;
  parts = import ./parts.nix { inherit config; };
  rule = {
    users = [ gate.user ];
    runAs = "root";
    commands = [
      {
        command = "${parts.agent} activate";
        options = [ "NOPASSWD" ];
      }
    ];
  };
  rules.extraRules = lib.mkIf (gate.enable && gate.privilege == "sudo") [ rule ];
in
{
  config.security = {
    sudo = rules;
  }
  # NixOS before 24.05 does not know it.
  // lib.optionalAttrs (options.security ? sudo-rs) { sudo-rs = rules; };
}
