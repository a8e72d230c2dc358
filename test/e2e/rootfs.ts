// The file tree that every test host starts from: a small Debian with systemd and sshd, built once by
// mmdebstrap and kept in the user's cache under a hash of what it was built from.
import { appendFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cached } from "./cache.ts";
import { run } from "./command.ts";
import { debianRecipe, unpackDebian } from "./debian.ts";

/**
 * Nix with its daemon is for hosts with a gate; it starts when somebody asks it. libstdc++6 and libatomic1 are for the machine's own node, which is mounted
 * into the hosts.
 */
const packages = [
  "dbus",
  "iproute2",
  "libatomic1",
  "libpam-systemd",
  "libstdc++6",
  "nix-bin",
  "nix-setup-systemd",
  "openssh-server",
  "procps",
  "sudo",
  "systemd",
  "systemd-sysv",
];

/** What only costs time at boot or reaches for hardware that a container does not have. */
const masked = [
  "apt-daily.timer",
  "apt-daily-upgrade.timer",
  "console-getty.service",
  "dev-hugepages.mount",
  "dev-mqueue.mount",
  "dpkg-db-backup.timer",
  "e2scrub_all.timer",
  "e2scrub_reap.service",
  "fstrim.timer",
  "getty-static.service",
  "getty@.service",
  "modprobe@.service",
  "serial-getty@.service",
  "sys-kernel-config.mount",
  "sys-kernel-debug.mount",
  "sys-kernel-tracing.mount",
  "systemd-firstboot.service",
  "systemd-networkd-wait-online.service",
];

/** The path of the tree, which must not be written to; built when it is not in the cache. */
export function rootfs(timeout: number): Promise<string> {
  const recipe = [readFileSync(fileURLToPath(import.meta.url)), ...debianRecipe()];
  return cached({
    kind: "rootfs",
    recipe,
    build: (directory) => build(join(directory, "tree"), directory, timeout),
  });
}

async function build(tree: string, directory: string, timeout: number): Promise<void> {
  await unpackDebian({ directory, tree, variant: "minbase", packages, timeout });
  for (const name of readdirSync(join(tree, "etc/ssh"))) {
    if (name.startsWith("ssh_host_")) rmSync(join(tree, "etc/ssh", name));
  }
  rmSync(join(tree, "etc/hostname"), { force: true });
  writeFileSync(join(tree, "etc/machine-id"), "");
  appendFileSync(
    join(tree, "etc/ssh/sshd_config.d/nixseal.conf"),
    "HostKey /etc/ssh/ssh_host_ed25519_key\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n",
  );
  mkdirSync(join(tree, "etc/systemd/journald.conf.d"));
  writeFileSync(
    join(tree, "etc/systemd/journald.conf.d/nixseal.conf"),
    "[Journal]\nStorage=persistent\nSystemMaxUse=16M\nAudit=no\n",
  );
  const systemctl = ["systemctl", `--root=${tree}`, "--quiet"];
  await run([...systemctl, "enable", "ssh.service", "systemd-networkd.service"]);
  await run([...systemctl, "set-default", "multi-user.target"]);
  await run([...systemctl, "mask", ...masked]);
  // Says that /etc and /var match /usr, to the nanosecond: else each first boot rebuilds caches.
  await run([
    "touch",
    `--reference=${join(tree, "usr")}`,
    join(tree, "etc/.updated"),
    join(tree, "var/.updated"),
  ]);
}
