import { cpSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execPath } from "node:process";
import { top } from "../console.ts";
import { run } from "../e2e/command.ts";
import { installedAt, makeDisk, removeDisk, type DiskOptions } from "../e2e/disk.ts";
import { guestFiles } from "./guest.ts";

export interface RootImage {
  /** An ext4 file system, raw. */
  readonly path: string;
  /** The public half of the machine's host key. */
  readonly hostKey: { readonly public: string; readonly path: string };
}

/** What the file system has to spare, for the journal and what a test writes. */
const size = "1G";

/** A disk that boots: the Debian of the containers, this machine's node and this checkout as it would be published. */
export async function rootImage(
  path: string,
  { directory, name, files }: Pick<DiskOptions, "directory" | "name" | "files">,
): Promise<RootImage> {
  mkdirSync(directory);
  const disk = await makeDisk({ directory, name, address: "198.18.0.1", files: { ...guestFiles, ...files } });
  try {
    for (const entry of ["bin", "package.json", "dist/src", ...runtimePackages()])
      cpSync(join(top, entry), join(disk.root, installedAt, entry), { recursive: true });
    cpSync(execPath, join(disk.root, "usr/local/bin/node"));
    await ext4(path, disk.root, size);
  } finally {
    await removeDisk(disk);
  }
  return { path, hostKey: disk.hostKey };
}

/** A file system with the content of a directory, owners included. */
export async function ext4(path: string, content: string, bytes: string): Promise<void> {
  await run(["mke2fs", "-q", "-t", "ext4", "-d", content, path, bytes], { timeout: 300_000 });
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
