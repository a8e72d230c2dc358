import { cpSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { execPath } from "node:process";
import { top } from "../console.ts";
import { run } from "../e2e/command.ts";
import { installedAt, makeDisk, removeDisk, type DiskOptions } from "../e2e/disk.ts";
import { guestFiles } from "./guest.ts";

const partitionStart = 1 << 20;
/** Enough for the journal and what a test writes. */
const partitionSize = 1 << 30;
const signature = 0x6e697873;

/** What the kernel calls the root file system. */
export const rootPartition = `PARTUUID=${signature.toString(16)}-01`;

/**
 * Makes a disk that boots, at `path`: the Debian of the containers, this machine's node and this checkout as it would be
 * published.
 */
export async function rootImage(
  path: string,
  { directory, name }: Pick<DiskOptions, "directory" | "name">,
): Promise<void> {
  mkdirSync(directory);
  const disk = await makeDisk({ directory, name, address: "198.18.0.1", files: guestFiles });
  try {
    for (const entry of ["bin", "package.json", "dist/src", ...runtimePackages()])
      cpSync(join(top, entry), join(disk.root, installedAt, entry), { recursive: true });
    cpSync(execPath, join(disk.root, "usr/local/bin/node"));
    const fstab = `${rootPartition} / ext4 defaults 0 1\n`;
    writeFileSync(join(disk.root, "etc/fstab"), fstab);
    writeFileSync(path, partitionTable());
    truncateSync(path, partitionStart + partitionSize);
    await ext4(path, disk.root, `${partitionSize >> 10}k`, partitionStart);
  } finally {
    await removeDisk(disk);
  }
}

/** A file system with the content of a directory, owners included. `offset` bytes before it stay as they are. */
export async function ext4(path: string, content: string, bytes: string, offset = 0): Promise<void> {
  const options = ["-L", basename(path, ".img"), "-E", `offset=${offset}`, "-d", content];
  await run(["mke2fs", "-q", "-F", "-t", "ext4", ...options, path, bytes], { timeout: 300_000 });
}

/**
 * A partition table with one partition. The kernel finds it by the disk's signature: which NVMe disk gets which number is
 * chance, since it asks all of them at the same time.
 */
function partitionTable(): Uint8Array {
  const table = new DataView(new ArrayBuffer(512));
  table.setUint32(440, signature, true);
  table.setUint8(450, 0x83); // the first entry's type: Linux
  table.setUint32(454, partitionStart / 512, true);
  table.setUint32(458, partitionSize / 512, true);
  table.setUint16(510, 0xaa55, true);
  return new Uint8Array(table.buffer);
}

/** Where npm put what the programs need when they run. */
function runtimePackages(): string[] {
  const lock = JSON.parse(readFileSync(join(top, "package-lock.json"), "utf8")) as {
    readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly optional?: boolean }>>;
  };
  return Object.entries(lock.packages)
    .filter(([place, { dev, optional }]) => place !== "" && dev !== true && optional !== true)
    .map(([place]) => place);
}
