import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { env } from "node:process";
import { run } from "./command.ts";
import { clientKey, labRootfs } from "./lab-layout.ts";

/** Where a host sees the checkout, read-only. */
export const installedAt = "/opt/nixseal";

const hostKeyPath = "/etc/ssh/ssh_host_ed25519_key";

export interface DiskOptions {
  /** An empty directory, for all that belongs to the disk. */
  readonly directory: string;
  readonly name: string;
  readonly address: string;
  /** By absolute path. Mode 0644, or 0755 for what begins with `#!`. */
  readonly files: Readonly<Record<string, string>>;
}

/** A host's disk: what it writes lies over the tree that all hosts share, and stays until `removeDisk`. */
export interface Disk {
  readonly directory: string;
  /** The mounted file tree. */
  readonly root: string;
  /** The host's SSH key: the line of the public half, and where the private half lies on the host. */
  readonly hostKey: { readonly public: string; readonly path: string };
}

export async function makeDisk({ directory, name, address, files }: DiskOptions): Promise<Disk> {
  const [root, upper, work] = ["root", "upper", "work"].map((part) => join(directory, part));
  for (const part of [root!, upper!, work!]) mkdirSync(part);
  const layers = `lowerdir=${labRootfs(env)},upperdir=${upper},workdir=${work}`;
  await run(["mount", "-t", "overlay", "-o", layers, "overlay", root!]);
  const key = join(root!, hostKeyPath);
  await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", key]);
  const own = {
    "/etc/hosts": `127.0.0.1 localhost\n${address} ${name}\n`,
    "/etc/hostname": `${name}\n`,
    "/etc/systemd/network/10-host0.network": `[Match]\nName=host0\n[Network]\nAddress=${address}/24\n`,
    "/root/.ssh/authorized_keys": readFileSync(`${clientKey}.pub`, "utf8"),
    "/usr/local/bin/nixseal-agent": `#!/bin/sh\nexec ${installedAt}/bin/nixseal-agent "$@"\n`,
  };
  for (const [path, content] of Object.entries({ ...own, ...files })) {
    const target = join(root!, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, content);
    chmodSync(target, content.startsWith("#!") ? 0o755 : 0o644);
  }
  const publicKey = readFileSync(`${key}.pub`, "utf8").trim();
  return { directory, root: root!, hostKey: { public: publicKey, path: hostKeyPath } };
}

export async function removeDisk(disk: Disk): Promise<void> {
  await run(["umount", disk.root]);
  rmSync(disk.directory, { recursive: true });
}
