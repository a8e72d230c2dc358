import { testFixtures } from "../../../test/support/audit.ts";
import { privilegeChecks } from "./prv.ts";

const rule = (command: string, options = '[ "NOPASSWD" ]'): string =>
  `security.sudo.extraRules = [ { users = [ "deploy" ]; commands = [ { command = "${command}"; options = ${options}; } ]; } ];`;

testFixtures(privilegeChecks, {
  PRV001: {
    bad: [
      'nix.settings.trusted-users = [ "root" "@wheel" ];',
      'nix.settings.trusted-users = [ "*" ];',
      'nix.settings.extra-trusted-users = "root deploy";',
      'nix.settings.trusted-users = [ "deploy" ] ++ config.more;',
    ],
    good: ['nix.settings.trusted-users = [ "root" ];', 'nix.settings.allowed-users = [ "@wheel" ];'],
    unknown: [
      "nix.settings.trusted-users = config.admins;",
      'nix.settings.trusted-users = [ "root" config.me ];',
    ],
  },
  PRV002: {
    bad: ["security.sudo.wheelNeedsPassword = false;", "security.doas.wheelNeedsPassword = false;"],
    good: ["security.sudo.wheelNeedsPassword = true;"],
    unknown: ["security.sudo.wheelNeedsPassword = config.x;"],
  },
  PRV003: {
    bad: [
      rule("ALL"),
      rule("/run/current-system/sw/bin/nix-env"),
      rule("/nix/store/*/bin/switch-to-configuration"),
      rule("${pkgs.systemd}/bin/systemctl restart x"),
      rule("/run/current-system/sw/bin/nix-env -p /x", '[ "SETENV" "NOPASSWD" ]'),
    ],
    good: [rule("/run/current-system/sw/bin/reboot"), rule("ALL", "[ ]"), rule("/usr/bin/whoami")],
    unknown: ["security.sudo.extraRules = config.rules;"],
  },
  PRV004: {
    bad: [
      'security.sudo.extraConfig = "deploy ALL=(ALL) NOPASSWD: ALL";',
      "security.sudo.extraConfig = ''\n  # x\n  %ci ALL=(root) NOPASSWD: /bin/true, /run/current-system/sw/bin/nix-env\n'';",
    ],
    good: [
      'security.sudo.extraConfig = "# deploy ALL=(ALL) NOPASSWD: ALL";',
      'security.sudo.extraConfig = "deploy ALL=(root) NOPASSWD: /run/current-system/sw/bin/reboot";',
    ],
  },
  PRV005: {
    bad: [
      'users.users.alice.extraGroups = [ "wheel" "docker" ];',
      'users.users.${config.me} = { extraGroups = [ "lxd" ]; };',
    ],
    good: ['users.users.alice.extraGroups = [ "wheel" "audio" ];'],
  },
  PRV006: {
    bad: ['users.groups.docker.members = [ "alice" ];'],
    good: ["users.groups.docker.members = [ ];", 'users.groups.wheel.members = [ "alice" ];'],
  },
  PRV007: {
    bad: [
      'virtualisation.docker.daemon.settings.hosts = [ "tcp://0.0.0.0:2375" ];',
      'virtualisation.docker.listenOptions = [ "0.0.0.0:2375" ];',
    ],
    good: [
      'virtualisation.docker.listenOptions = [ "/run/docker.sock" ];',
      'virtualisation.docker.daemon.settings.hosts = [ "tcp://127.0.0.1:2375" ];',
    ],
  },
  PRV008: {
    bad: [
      "security.polkit.extraConfig = ''polkit.addRule(function(action, subject) { return polkit.Result.YES; });'';",
    ],
    good: [
      "security.polkit.extraConfig = ''polkit.addRule(function(action, subject) { if (subject.isInGroup(\"wheel\")) return polkit.Result.YES; });'';",
    ],
  },
  PRV009: {
    bad: ['security.wrappers.x = { setuid = true; owner = "root"; };'],
    good: ["security.wrappers.x.setuid = false;", 'security.wrappers.x.capabilities = "cap_net_raw+p";'],
  },
  PRV010: { bad: ["users.allowNoPasswordLogin = true;"], good: ["users.allowNoPasswordLogin = false;"] },
  PRV011: {
    bad: [
      'security.doas.extraRules = [ { users = [ "a" ]; noPass = true; } ];',
      'security.doas.extraConfig = "permit nopass alice as root";',
    ],
    good: [
      'security.doas.extraRules = [ { users = [ "a" ]; noPass = true; cmd = "/bin/reboot"; } ];',
      'security.doas.extraConfig = "permit alice as root";',
    ],
  },
});
