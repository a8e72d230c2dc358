import { testFixtures } from "../../../test/support/audit.ts";
import { sshChecks } from "./ssh.ts";

const setting = (name: string, value: string): string => `services.openssh.settings.${name} = ${value};`;

testFixtures(sshChecks, {
  SSH001: {
    bad: [
      setting("PermitRootLogin", '"yes"'),
      'services.openssh = { enable = true; settings = { PermitRootLogin = "yes"; }; };',
      'services.openssh.permitRootLogin = lib.mkForce "yes";',
      "services.openssh.settings = lib.mkIf config.x { PermitRootLogin = true; };",
      'services = lib.mkMerge [ { openssh.settings.PermitRootLogin = "yes"; } ];',
      {
        "flake.nix":
          '{ outputs = { nixpkgs, ... }: { nixosConfigurations.a = nixpkgs.lib.nixosSystem { modules = [ ./x.nix ({ pkgs, ... }: { services.openssh.settings.PermitRootLogin = "yes"; }) ]; }; }; }',
      },
      {
        "hive.nix":
          '{ lufta = { name, ... }: let mode = "yes"; in with builtins; { services.openssh.settings = { } // { PermitRootLogin = mode; }; }; }',
      },
    ],
    good: [
      setting("PermitRootLogin", '"no"'),
      setting("PermitRootLogin", '"prohibit-password"'),
      "services.openssh.enable = true;",
      'services.openssh.settings = lib.mkIf false { PermitRootLogin = "yes"; };',
      'services.openssh.settings.PermitRootLogin = lib.mkDefault "yes"; services.openssh.settings.PermitRootLogin = "no";',
      {
        "x.nix":
          '{ lib, ... }: { options.services.openssh.settings.PermitRootLogin = lib.mkOption { default = "yes"; }; }',
      },
      {
        "y.nix":
          '{ } // { services.openssh.settings.PermitRootLogin = "yes"; } // { services.openssh.settings.PermitRootLogin = "no"; }',
      },
    ],
    unknown: [
      setting("PermitRootLogin", "config.rootLogin"),
      "services.openssh.settings = import ./ssh.nix;",
      setting("PermitRootLogin", '"${config.x}"'),
    ],
  },
  SSH002: {
    bad: [setting("PasswordAuthentication", "true"), setting("PasswordAuthentication", '"yes"')],
    good: [setting("PasswordAuthentication", "false")],
  },
  SSH003: {
    bad: [setting("KbdInteractiveAuthentication", "true")],
    good: [setting("KbdInteractiveAuthentication", "false")],
  },
  SSH004: {
    bad: [setting("PermitEmptyPasswords", '"yes"'), setting("PermitEmptyPasswords", "true")],
    good: [setting("PermitEmptyPasswords", "false")],
  },
  SSH005: { bad: [setting("X11Forwarding", "true")], good: [setting("X11Forwarding", "false")] },
  SSH006: {
    bad: [
      setting("Ciphers", '[ "aes256-gcm@openssh.com" "aes128-cbc" ]'),
      setting("KexAlgorithms", '[ "diffie-hellman-group1-sha1" ]'),
      setting("Macs", '[ "hmac-md5" ]'),
      setting("HostKeyAlgorithms", '"+ssh-rsa"'),
    ],
    good: [
      setting("Ciphers", '[ "chacha20-poly1305@openssh.com" ]'),
      setting("Macs", '[ "hmac-sha2-512-etm@openssh.com" ]'),
      setting("Ciphers", '"-aes128-cbc"'),
      setting("HostKeyAlgorithms", '"rsa-sha2-512"'),
    ],
    unknown: [setting("Ciphers", '[ "aes256-gcm@openssh.com" ] ++ config.more')],
  },
  SSH007: { bad: [setting("GatewayPorts", '"clientspecified"')], good: [setting("GatewayPorts", '"no"')] },
  SSH008: { bad: [setting("StrictModes", "false")], good: [setting("StrictModes", "true")] },
  SSH009: {
    bad: [
      { "deploy.sh": "ssh -o StrictHostKeyChecking=no host true\n" },
      { "x.nix": '{ programs.ssh.extraConfig = "StrictHostKeyChecking no"; }' },
      { "y.sh": "ssh -o UserKnownHostsFile=/dev/null h" },
    ],
    good: [
      { "deploy.sh": "# never StrictHostKeyChecking=no\nssh -o StrictHostKeyChecking=yes host\n" },
      { "README.md": "StrictHostKeyChecking=no is bad" },
      { "x.sh": "ssh -o StrictHostKeyChecking=accept-new h" },
    ],
  },
  SSH010: {
    bad: ['users.users.alice.openssh.authorizedKeys.keys = [ "ssh-dss AAAAB3 a" ];'],
    good: ['users.users.alice.openssh.authorizedKeys.keys = [ "ssh-ed25519 AAAAC3 a" ];'],
  },
  SSH011: {
    bad: ["programs.ssh.forwardAgent = true;", 'programs.ssh.extraConfig = "ForwardAgent yes";'],
    good: ["programs.ssh.forwardAgent = false;", 'programs.ssh.extraConfig = "ForwardAgent no";'],
  },
  SSH012: {
    bad: [
      "services.openssh.extraConfig = ''\n  Match User root\n    PermitRootLogin yes\n'';",
      "services.openssh.extraConfig = ''permitemptypasswords=\"yes\"'';",
      'environment.etc."ssh/sshd_config".text = "StrictModes no";',
    ],
    good: [
      'services.openssh.extraConfig = "PermitRootLogin no";',
      'services.openssh.extraConfig = "# PermitRootLogin yes";',
      'services.openssh.extraConfig = "PermitTunnel yes";',
    ],
    unknown: ["services.openssh.extraConfig = builtins.readFile ./sshd_config;"],
  },
});
