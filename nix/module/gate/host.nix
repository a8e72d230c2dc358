# What the gate needs of the host: an account that can do nothing but speak to it, sshd's rules for it, its units, its files.
{
  config,
  lib,
  ...
}:
let
  cfg = config.nixseal;
  inherit (cfg) gate;
  parts = import ./parts.nix { inherit config; };
  inherit (parts) agent units;
  service = name: extra: {
    description = units.${name}.Unit.Description;
    unitConfig = removeAttrs units.${name}.Unit [ "Description" ];
    serviceConfig = units.${name}.Service;
    # Not the one that is about to be switched to: a deployment must not end the program that makes it.
    restartIfChanged = false;
    path = [ config.nix.package ];
  }
  // extra;
in
{
  config = lib.mkIf gate.enable {
    users.users.${gate.user} = {
      isSystemUser = true;
      group = gate.user;
      description = "Uploads and deployments";
      # Nothing of its own that a shell or sshd would read. A shell it needs: sshd starts the forced command with it.
      home = "/var/empty";
      shell = "/bin/sh";
    };
    users.groups.${gate.user} = { };

    # Before an administrator's own: of two that match, the first counts.
    services.openssh.extraConfig = lib.mkBefore (
      import ./sshd.nix {
        inherit (gate) user;
        inherit (parts) keysFile;
      }
    );
    # Ten thousand connections with a member's key end at this account's limit, not at the machine's.
    security.pam.loginLimits = map (limit: limit // { domain = gate.user; type = "hard"; }) (
      import ./limits.nix
    );

    environment.etc = {
      "nixseal/gate.json".text = builtins.toJSON gate.settings;
      "nixseal/root.json".source = gate.root;
      # A file of its own: sshd refuses one in the store, whose directory a group may write.
      "nixseal/authorized_keys" = {
        mode = "0444";
        text = lib.concatMapStrings (line: "${line}\n") parts.keys;
      };
    };

    systemd.sockets.nixseal-gate = lib.mkIf (gate.privilege == "socket") {
      description = units."nixseal-gate.socket".Unit.Description;
      socketConfig = units."nixseal-gate.socket".Socket;
      wantedBy = units."nixseal-gate.socket".Install.WantedBy;
    };
    systemd.services = {
      "nixseal-gate@" = lib.mkIf (gate.privilege == "socket") (service "nixseal-gate@.service" { });
      nixseal-gate-recover = service "nixseal-gate-recover.service" {
        wantedBy = units."nixseal-gate-recover.service".Install.WantedBy;
      };
    };
    systemd.tmpfiles.rules = import ./directories.nix { inherit (gate) user; };

    environment.systemPackages = [ cfg.package ];

    # A list, not an addition to one: whoever else is named there could bring anything.
    nix.settings = {
      trusted-public-keys = lib.mkForce gate.upstream;
      trusted-users = lib.mkDefault [ "root" ];
      require-sigs = true;
      allowed-users = lib.mkDefault [ "root" "@wheel" gate.user ];
    };
  };
}
