# What would let somebody past the gate is an assertion; what a person may have meant is a warning.
{ config, lib, ... }:
let
  inherit (lib)
    any
    concatMap
    concatStringsSep
    elem
    filter
    hasInfix
    intersectLists
    optional
    optionals
    subtractLists
    ;
  cfg = config.nixseal;
  inherit (cfg) gate;
  parts = import ./parts.nix { inherit config; };
  ordered = gate.mode == "warrants";
  refuse = fault: message: {
    assertion = !fault;
    message = "nixseal: ${message}";
  };

  # Nix's configuration. `extra-` adds to a list behind our back, and extraOptions is text.
  nix = config.nix.settings;
  setting = name: (nix.${name} or [ ]) ++ (nix."extra-${name}" or [ ]);
  strangers = subtractLists [ "root" ] (setting "trusted-users");
  foreignKeys = subtractLists gate.upstream (setting "trusted-public-keys");
  trustedCaches = filter (url: builtins.match ".*[?&]trusted=(1|true|yes).*" url != null) (
    setting "substituters" ++ setting "trusted-substituters"
  );
  inText = filter (name: hasInfix name (config.nix.extraOptions or "")) [
    "trusted-users"
    "trusted-public-keys"
    "require-sigs"
    "substituters"
    "secret-key-files"
  ];
  allowed = setting "allowed-users";

  # Groups whose members are root on most machines.
  mighty = [
    "disk"
    "docker"
    "incus-admin"
    "kmem"
    "libvirtd"
    "lxd"
    "nixbld"
    "podman"
    "root"
    "shadow"
    "wheel"
  ];
  account = config.users.users.${gate.user};
  groups =
    (account.extraGroups or [ ])
    ++ optional ((account.group or "") != "") account.group
    ++ filter (name: elem gate.user (config.users.groups.${name}.members or [ ])) (
      builtins.attrNames config.users.groups
    );
  mightyGroups = intersectLists mighty groups;

  # Rules of sudo, of both implementations.
  implementations = [ config.security.sudo ] ++ optional (config.security ? sudo-rs) config.security.sudo-rs;
  rules = concatMap (sudo: optionals (sudo.enable or true) (sudo.extraRules or [ ])) implementations;
  commandsOf =
    rule:
    map (
      one:
      if builtins.isString one then
        {
          command = one;
          options = [ ];
        }
      else
        { options = [ ]; } // one
    ) (rule.commands or [ ]);
  own = "${parts.agent} activate";
  isFor =
    rule:
    any (name: elem name [ gate.user "ALL" ]) (rule.users or [ ])
    || intersectLists groups (rule.groups or [ ]) != [ ];
  forDeploy = filter (command: command != own) (
    map (one: one.command) (concatMap commandsOf (filter isFor rules))
  );
  withoutPassword = one: elem "NOPASSWD" one.options;
  programs = [
    "nix"
    "nix-build"
    "nix-env"
    "nix-store"
    "nixos-rebuild"
    "switch-to-configuration"
    "systemd-run"
  ];
  # With a pattern somebody chooses the path that root runs; without arguments sudo takes any.
  isOpen =
    command:
    let
      words = filter (word: builtins.isString word && word != "") (builtins.split " +" command);
      program = builtins.baseNameOf (if words == [ ] then "" else builtins.head words);
    in
    (builtins.match ".*[*?[].*" command != null && any (name: hasInfix name command) ([ builtins.storeDir ] ++ programs))
    || (elem program programs && builtins.length words == 1);
  openRules = filter isOpen (
    map (one: one.command) (filter withoutPassword (concatMap commandsOf rules))
  );
  doas = config.security.doas or { };
  doasRules = filter isFor (optionals (doas.enable or false) (doas.extraRules or [ ]));
  wheelIsOpen = any (sudo: !(sudo.wheelNeedsPassword or true)) implementations;

  sshd = config.services.openssh;
  permits = sshd.settings.PermitRootLogin or "prohibit-password";
  rootKeys =
    (config.users.users.root.openssh.authorizedKeys.keys or [ ])
    ++ (config.users.users.root.openssh.authorizedKeys.keyFiles or [ ]);
  listed = list: concatStringsSep ", " list;
in
{
  config = lib.mkIf gate.enable {
    assertions = [
      (refuse (builtins.match "[A-Za-z_][A-Za-z0-9._-]{0,31}" gate.user == null || gate.user == "root")
        "nixseal.gate.user must be the name of an account of its own"
      )
      (refuse (any (words: words == [ ] || !(lib.hasPrefix "/" (builtins.head words))) gate.health)
        "each command of nixseal.gate.health begins with a whole path: what PATH finds is nobody's promise"
      )
      (refuse (!sshd.enable && !cfg.pull.enable)
        "the gate is reached over SSH: set services.openssh.enable, or nixseal.pull"
      )
      (refuse (parts.fleet.name != "fleet" && parts.fleet.name != parts.root.fleet)
        "the root is of the fleet '${parts.root.fleet}', and fleet.toml is of '${parts.fleet.name}'"
      )
      (refuse (parts.keys == [ ])
        "no member that nixseal.gate.members selects has an SSH key: nobody could deploy to this host any more"
      )
      (refuse (strangers != [ ])
        "nix.settings.trusted-users names ${listed strangers}: whoever is trusted there brings what they like into the store, and is root"
      )
      (refuse (foreignKeys != [ ])
        "nix.settings.trusted-public-keys has keys that are not upstream of the root: ${listed foreignKeys}; who holds one can plant paths that no warrant names"
      )
      (refuse (trustedCaches != [ ])
        "a substituter is trusted without signatures: ${listed trustedCaches}"
      )
      (refuse ((nix.secret-key-files or [ ]) != [ ])
        "nix.settings.secret-key-files makes the daemon sign every local build, which launders what it was built from"
      )
      (refuse (inText != [ ])
        "nix.extraOptions sets ${listed inText}, where it cannot be checked: use nix.settings"
      )
      (refuse (!(any (name: elem name allowed) [ "*" gate.user "@${gate.user}" ]))
        "nix.settings.allowed-users must hold '${gate.user}', which asks the daemon what is in the store"
      )
      (refuse (mightyGroups != [ ])
        "'${gate.user}' is in ${listed mightyGroups}, which is as good as root${
          if wheelIsOpen && elem "wheel" mightyGroups then ", without even a password for sudo" else ""
        }"
      )
      (refuse (forDeploy != [ ])
        "sudo lets '${gate.user}' run ${listed forDeploy}; the gate needs ${
          if gate.privilege == "sudo" then "'${own}' and nothing else" else "nothing of it"
        }"
      )
      (refuse (doasRules != [ ])
        "doas has a rule for '${gate.user}'; the gate needs nothing of it"
      )
      (refuse (ordered && openRules != [ ])
        "a rule of sudo without a password lets somebody choose what root runs: ${listed openRules}"
      )
      (refuse (ordered && (config.system.autoUpgrade.enable or false))
        "system.autoUpgrade activates without a warrant"
      )
      (refuse (sshd.settings.AllowUsers or null != null && !(elem gate.user sshd.settings.AllowUsers))
        "services.openssh.settings.AllowUsers keeps '${gate.user}' out"
      )
    ];

    warnings =
      optional (permits != "no" && rootKeys != [ ])
        "nixseal: root can log in over SSH with a key, past the gate: services.openssh.settings.PermitRootLogin = \"no\" closes that way"
      ++ optional (!ordered)
        "nixseal: the gate's mode is 'certificates': whoever may upload can plant a path that a later deployment activates, and is root then"
      ++ optional (any (sudo: hasInfix "NOPASSWD" (sudo.extraConfig or "")) implementations)
        "nixseal: security.sudo.extraConfig has rules without a password, which are not looked at here: see that none lets '${gate.user}' run anything, and none has a pattern";
  };
}
