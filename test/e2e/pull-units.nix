# The units and the file that the NixOS module makes for a host that pulls, from the module's own files, where there is no nixpkgs.
# `programs`: a prefix in place of every package.
{
  module,
  programs,
  user,
  pull,
}:
let
  lib = {
    mkIf = _: content: content;
    mkOption = option: option;
    optionals = some: list: if some then list else [ ];
  };
  pkgs = {
    util-linux = programs;
    gitMinimal = programs;
    openssh = programs;
  };
  config = {
    nix.package = programs;
    nixseal = {
      package = programs;
      gate = {
        enable = true;
        mode = "warrants";
        confirmWithin = null;
        inherit user;
      };
      pull = pull // {
        inherit (options) settings;
      };
    };
  };
  options = (import (module + "/options.nix") { inherit config lib; }).config.nixseal.pull;
  host = (import (module + "/host.nix") { inherit config lib pkgs; }).config;
  service = host.systemd.services.nixseal-pull;
  timer = host.systemd.timers.nixseal-pull;
in
{
  settings = host.environment.etc."nixseal/pull.json".text;
  service = {
    Unit = {
      Description = service.description;
      After = service.after;
      Wants = service.wants;
    };
    Service = service.serviceConfig // {
      Environment =
        [ "PATH=${builtins.concatStringsSep ":" (map (one: "${one}/bin") service.path)}:/usr/bin" ]
        ++ service.serviceConfig.Environment;
    };
  };
  timer = {
    Unit.Description = timer.description;
    Timer = timer.timerConfig;
    Install.WantedBy = timer.wantedBy;
  };
}
