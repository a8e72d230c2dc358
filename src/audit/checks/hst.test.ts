import { testFixtures } from "../../../test/support/audit.ts";
import { hostNetworkChecks } from "./hst-network.ts";
import { hostChecks } from "./hst.ts";

testFixtures([...hostChecks, ...hostNetworkChecks], {
  HST001: {
    bad: ["networking.firewall.enable = false;", "networking.firewall.enable = !true;"],
    good: ["networking.firewall.enable = true;"],
    unknown: ["networking.firewall.enable = config.x;"],
  },
  HST002: {
    bad: [
      "networking.firewall.allowedTCPPorts = [ 22 2379 ];",
      "networking.firewall.allowedTCPPorts = [ 443 ] ++ lib.optional config.x 5432;",
      "networking.firewall.allowedTCPPorts = lib.mkAfter [ 6379 ];",
    ],
    good: [
      "networking.firewall.allowedTCPPorts = [ 22 80 443 ];",
      "networking.firewall.interfaces.wg0.allowedTCPPorts = [ 2379 ];",
    ],
    unknown: ["networking.firewall.allowedTCPPorts = [ config.port ];"],
  },
  HST003: {
    bad: [
      'networking.firewall.trustedInterfaces = [ "eth0" ];',
      'networking.firewall.trustedInterfaces = [ "enp3s0" ];',
    ],
    good: ['networking.firewall.trustedInterfaces = [ "wg0" "tailscale0" ];'],
  },
  HST004: {
    bad: ["networking.firewall.allowedTCPPortRanges = [ { from = 1; to = 65535; } ];"],
    good: ["networking.firewall.allowedTCPPortRanges = [ { from = 60000; to = 61000; } ];"],
  },
  HST005: { bad: ["security.apparmor.enable = false;"], good: ["security.apparmor.enable = true;"] },
  HST006: {
    bad: ['services.getty.autologinUser = "root";', "services.displayManager.autoLogin.enable = true;"],
    good: ["services.getty.autologinUser = null;", "services.displayManager.autoLogin.enable = false;"],
  },
  HST007: {
    bad: ['boot.kernelParams = [ "quiet" "mitigations=off" ];'],
    good: ['boot.kernelParams = [ "quiet" "mitigations=auto" ];'],
  },
  HST008: {
    bad: [
      'boot.kernel.sysctl."kernel.kptr_restrict" = 0;',
      'boot.kernel.sysctl = { "kernel.yama.ptrace_scope" = lib.mkForce 0; };',
    ],
    good: ['boot.kernel.sysctl."kernel.kptr_restrict" = 2;', 'boot.kernel.sysctl."vm.swappiness" = 0;'],
  },
  HST009: {
    bad: ["boot.initrd.systemd.emergencyAccess = true;"],
    good: ["boot.initrd.systemd.emergencyAccess = false;", 'boot.initrd.systemd.emergencyAccess = "$6$x";'],
  },
  HST010: {
    bad: ["boot.loader.systemd-boot.editor = true;"],
    good: ["boot.loader.systemd-boot.editor = false;"],
  },
  HST011: {
    bad: [
      'services.etcd.listenClientUrls = [ "http://10.0.0.1:2379" ];',
      "services.etcd.clientCertAuth = false;",
    ],
    good: [
      'services.etcd.listenClientUrls = [ "https://10.0.0.1:2379" "http://127.0.0.1:2379" ];',
      "services.etcd.clientCertAuth = true;",
    ],
  },
  HST012: {
    bad: [
      "services.postgresql.authentication = ''\n  host all all 0.0.0.0/0 trust\n'';",
      'services.redis.servers.a.settings.protected-mode = "no";',
    ],
    good: [
      'services.postgresql.authentication = "host all all 127.0.0.1/32 trust";',
      'services.redis.servers.a.settings.protected-mode = "yes";',
    ],
  },
  HST013: {
    bad: ["services.vsftpd.anonymousUser = true;"],
    good: ["services.vsftpd.anonymousUser = false;"],
  },
  HST014: {
    bad: [
      "boot.initrd.luks.devices.root.keyFile = ./disk.key;",
      "boot.initrd.network.ssh.hostKeys = [ ./initrd_key ];",
    ],
    good: [
      'boot.initrd.luks.devices.root.keyFile = "/dev/disk/by-id/usb";',
      'boot.initrd.network.ssh.hostKeys = [ "/etc/secrets/initrd/key" ];',
    ],
  },
});
