# What nix/module/watch/units.nix defines, found with a fake of nixpkgs' lib: no nixpkgs is needed.
{ top, watch }:
let
  pkgs.runCommand = name: _: script: { inherit name script; } // { outPath = "/nix/store/00000000000000000000000000000000-${name}"; };
  lib = {
    mkIf = condition: content: if condition then content else { };
    optional = condition: element: if condition then [ element ] else [ ];
  };
  defined =
    (import (top + "/nix/module/watch/units.nix") {
      inherit lib pkgs;
      config = {
        nixseal = {
          inherit watch;
          package = "/nix/store/00000000000000000000000000000000-nixseal-agent";
        };
        nix.package = "/nix/store/00000000000000000000000000000000-nix";
      };
    }).config;
in
{
  configuration = defined.environment.etc."nixseal/watch.json".text;
  inherit (defined.systemd) services timers user;
  holds = map (package: package.script) defined.systemd.packages;
  hooks = [
    defined.environment.interactiveShellInit
    defined.programs.fish.interactiveShellInit
  ];
}
