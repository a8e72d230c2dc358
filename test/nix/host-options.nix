# The options of NixOS that the module defines or reads, declared just far enough to evaluate the module with nixpkgs'
# lib alone. Units know no other options than these: a misspelt one is an error, as in NixOS.
{ lib, ... }:
let
  inherit (lib) mkOption types;
  option = type: default: mkOption { inherit type default; };
  strings = option (types.listOf types.str) [ ];
  # systemd's own settings: a value, or a list of them.
  settings = option (types.attrsOf (types.either (types.listOf types.anything) types.anything)) { };
  unit = types.submodule {
    options = {
      description = option types.str "";
      after = strings;
      before = strings;
      wants = strings;
      conflicts = strings;
      wantedBy = strings;
      requiredBy = strings;
      unitConfig = settings;
      serviceConfig = settings;
      socketConfig = settings;
      timerConfig = settings;
      pathConfig = settings;
      partOf = strings;
      environment = option (types.attrsOf types.str) { };
      path = option (types.listOf types.anything) [ ];
      restartIfChanged = option types.bool true;
      overrideStrategy = option types.str "asDropinIfExists";
    };
  };
  units = option (types.attrsOf unit) { };
  named =
    extra:
    option (types.attrsOf (
      types.submodule (
        { name, ... }:
        {
          freeformType = types.attrsOf types.anything;
          options = {
            name = option types.str name;
          }
          // extra;
        }
      )
    )) { };
in
{
  options = {
    assertions = option (types.listOf types.anything) [ ];
    warnings = strings;
    networking.hostName = option types.str "nixos";
    fileSystems = option (types.attrsOf (
      types.submodule (
        { name, ... }:
        {
          options = {
            mountPoint = option types.str name;
            device = option types.str "none";
            fsType = option types.str "auto";
            neededForBoot = option types.bool false;
          };
        }
      )
    )) { };
    users.users = named { };
    users.groups = named { };
    services.openssh = {
      enable = option types.bool false;
      hostKeys = option (types.listOf types.anything) [
        {
          type = "ed25519";
          path = "/etc/ssh/ssh_host_ed25519_key";
        }
      ];
      extraConfig = option types.lines "";
      settings = option (types.attrsOf types.anything) { };
    };
    security =
      let
        sudo = {
          enable = option types.bool true;
          wheelNeedsPassword = option types.bool true;
          extraRules = option (types.listOf types.anything) [ ];
          extraConfig = option types.lines "";
        };
      in
      {
        inherit sudo;
        sudo-rs = sudo;
        doas = { inherit (sudo) enable extraRules; };
        pam.loginLimits = option (types.listOf types.anything) [ ];
      };
    environment = {
      etc = named { };
      systemPackages = option (types.listOf types.anything) [ ];
      interactiveShellInit = option types.lines "";
    };
    nix = {
      package = option types.anything null;
      extraOptions = option types.lines "";
      settings = option (types.submodule {
        freeformType = types.attrsOf types.anything;
        options = {
          trusted-public-keys = strings;
          trusted-users = option (types.listOf types.str) [ "root" ];
          allowed-users = option (types.listOf types.str) [ "*" ];
          substituters = strings;
          require-sigs = option types.bool true;
        };
      }) { };
    };
    programs.fish.interactiveShellInit = option types.lines "";
    services.userborn.enable = option types.bool false;
    system.activationScripts = option (types.attrsOf (
      types.submodule {
        options = {
          deps = strings;
          text = option types.lines "";
          supportsDryActivation = option types.bool false;
        };
      }
    )) { };
    system.autoUpgrade.enable = option types.bool false;
    system.stateVersion = option types.str "";
    boot = option types.anything { };
    systemd = {
      tmpfiles.rules = strings;
      sysusers.enable = option types.bool false;
      services = units;
      sockets = units;
      timers = units;
      paths = units;
      targets = units;
      slices = units;
      packages = option (types.listOf types.anything) [ ];
      user = {
        services = units;
        paths = units;
      };
    };
  };
}
