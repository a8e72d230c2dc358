# What the tests look at of several variants of a host with the gate. `lib` is that of nixpkgs.
{
  lib,
  top,
  fleet,
}:
let
  derivation' = name: {
    type = "derivation";
    inherit name;
    outPath = "/nix/store/00000000000000000000000000000000-${name}";
  };
  evaluate =
    module:
    (lib.evalModules {
      modules = [
        ./host-options.nix
        (top + "/nix/module.nix")
        {
          _module.args.pkgs = {
            nixseal.agent = derivation' "nixseal-agent";
            util-linux = derivation' "util-linux";
            gitMinimal = derivation' "git";
            openssh = derivation' "openssh";
          };
          networking.hostName = "web";
          nix.package = derivation' "nix";
          services.openssh.enable = true;
          nixseal = {
            inherit fleet;
            gate.enable = true;
          };
        }
        module
      ];
    }).config;
  failing =
    module:
    let
      config = evaluate module;
    in
    {
      failed = map (one: one.message) (lib.filter (one: !one.assertion) config.assertions);
      inherit (config) warnings;
    };
  plain = evaluate { };
  settings = module: failing { nix.settings = module; };
  sudoRule =
    rule:
    failing {
      security.sudo.extraRules = [ ({ users = [ "alice" ]; } // rule) ];
    };
  command = text: {
    commands = [
      {
        command = text;
        options = [ "NOPASSWD" ];
      }
    ];
  };
in
{
  plain = failing { };
  account = { inherit (plain.users.users.deploy) isSystemUser group home shell; };
  sshd = plain.services.openssh.extraConfig;
  etc = lib.mapAttrs (_: file: file.text or null) plain.environment.etc;
  keysMode = plain.environment.etc."nixseal/authorized_keys".mode;
  gate = plain.nixseal.gate.settings;
  nix = plain.nix.settings;
  sockets = lib.mapAttrs (_: unit: { inherit (unit) description socketConfig wantedBy; }) plain.systemd.sockets;
  services = lib.mapAttrs (_: unit: {
    inherit (unit) unitConfig serviceConfig wantedBy restartIfChanged;
  }) plain.systemd.services;
  directories = plain.systemd.tmpfiles.rules;
  limits = plain.security.pam.loginLimits;
  sudo = plain.security.sudo.extraRules;

  bySudo =
    let
      config = evaluate { nixseal.gate.privilege = "sudo"; };
    in
    {
      sockets = builtins.attrNames config.systemd.sockets;
      services = builtins.attrNames config.systemd.services;
      sudo = config.security.sudo.extraRules;
      sudo-rs = config.security.sudo-rs.extraRules;
      inherit (failing { nixseal.gate.privilege = "sudo"; }) failed warnings;
    };
  ops =
    (evaluate {
      nixseal.gate.members = [ "group:ops" ];
      nixseal.gate.loginAuthorities = [ "ssh-ed25519 AAAA a\"comment" ];
    }).environment.etc."nixseal/authorized_keys".text;
  disabled = builtins.attrNames (evaluate { nixseal.gate.enable = lib.mkForce false; }).systemd.services;

  trustedUser = settings { trusted-users = [ "root" "alice" ]; };
  trustedWheel = settings { extra-trusted-users = [ "@wheel" ]; };
  memberKey = settings { extra-trusted-public-keys = [ "alice-1:AAAA" ]; };
  forcedKey = settings { trusted-public-keys = lib.mkOverride 40 [ "alice-1:AAAA" ]; };
  trustedCache = settings { substituters = [ "https://cache.example.org?priority=5&trusted=1" ]; };
  signingDaemon = settings { secret-key-files = [ "/etc/nix/key" ]; };
  keptOut = settings { allowed-users = [ "alice" ]; };
  textOptions = failing { nix.extraOptions = "extra-trusted-users = alice\n"; };
  wheel = failing {
    security.sudo.wheelNeedsPassword = false;
    users.users.deploy.extraGroups = [ "wheel" ];
  };
  docker = failing { users.groups.docker.members = [ "deploy" ]; };
  wildcard = sudoRule (command "/run/current-system/sw/bin/nix-env -p /nix/var/nix/profiles/system --set *");
  wildcardSwitch = sudoRule (command "/nix/store/*/bin/switch-to-configuration switch");
  anyArguments = sudoRule (command "/run/current-system/sw/bin/nix-env");
  harmless = sudoRule (command "/run/current-system/sw/bin/systemctl restart *");
  deploySudo = sudoRule (command "/run/current-system/sw/bin/reboot" // { users = [ "deploy" ]; });
  deployAll = sudoRule {
    users = [ "ALL" ];
    commands = [ "ALL" ];
  };
  sudoRs = failing {
    security.sudo-rs.extraRules = [ ({ groups = [ "deploy" ]; } // command "ALL") ];
  };
  doas = failing {
    security.doas.extraRules = [
      {
        users = [ "deploy" ];
        noPass = true;
      }
    ];
  };
  upgrades = failing { system.autoUpgrade.enable = true; };
  pull =
    let
      module = {
        services.openssh.enable = lib.mkForce false;
        nixseal.gate.confirmWithin = null;
        nixseal.pull = {
          enable = true;
          source = "https://deliveries.example.org/test";
        };
      };
      config = evaluate module;
    in
    failing module
    // {
      settings = config.environment.etc."nixseal/pull.json".text;
      inherit (config.systemd.services.nixseal-pull) serviceConfig restartIfChanged;
      inherit (config.systemd.timers.nixseal-pull) timerConfig;
    };
  pullConfirmed = failing {
    nixseal.pull = {
      enable = true;
      source = "/media/stick";
    };
  };
  pullNothing = failing {
    nixseal.gate.confirmWithin = null;
    nixseal.pull.enable = true;
  };
  noSshd = failing { services.openssh.enable = lib.mkForce false; };
  allowUsers = failing { services.openssh.settings.AllowUsers = [ "alice" ]; };
  rootAccount = failing { nixseal.gate.user = "root"; };
  health = failing { nixseal.gate.health = [ [ "systemctl" "is-active" "x" ] ]; };
  soon = (builtins.tryEval (evaluate { nixseal.gate.confirmWithin = 3; }).nixseal.gate.confirmWithin).success;
  nobody = failing { nixseal.gate.members = [ "paper" ]; };
  rootLogin = failing { users.users.root.openssh.authorizedKeys.keys = [ "ssh-ed25519 AAAA" ]; };
  certificates = failing {
    nixseal.gate.mode = "certificates";
    security.sudo.extraRules = [
      ({ users = [ "alice" ]; } // command "/nix/store/*/bin/switch-to-configuration switch")
    ];
  };
  unknownMember = (builtins.tryEval (failing { nixseal.gate.members = [ "nobody" ]; }).failed).success;
  hostTag = (builtins.tryEval (failing { nixseal.gate.members = [ "tag:x" ]; }).failed).success;
  badAuthority =
    let
      config = evaluate { nixseal.gate.loginAuthorities = [ "ssh-ed25519 AAAA\nmore" ]; };
    in
    (builtins.tryEval config.environment.etc."nixseal/authorized_keys".text).success;
  signed = (builtins.tryEval (evaluate { nix.settings.require-sigs = false; }).nix.settings.require-sigs).success;
}
