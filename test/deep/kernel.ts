// Debian's kernel for virtual machines. NVMe disks, ext4 and virtio serial ports are built into it: no initrd.
import { mkdirSync, readFileSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cached } from "../e2e/cache.ts";
import { debianRecipe, unpackDebian } from "../e2e/debian.ts";

/** The path of a kernel that boots in qemu; unpacked when it is not in the cache. */
export async function kernel(timeout: number): Promise<string> {
  if (process.arch !== "x64")
    throw new Error("the deep tests boot an amd64 kernel: run them on that architecture");
  const recipe = [readFileSync(fileURLToPath(import.meta.url)), ...debianRecipe()];
  const tree = await cached({ kind: "kernel", recipe, build: (directory) => build(directory, timeout) });
  return join(tree, "vmlinuz");
}

async function build(directory: string, timeout: number): Promise<void> {
  const packages = ["linux-image-cloud-amd64"];
  const unpacked = join(directory, "unpacked");
  await unpackDebian({ directory, tree: unpacked, variant: "extract", packages, timeout });
  const image = readdirSync(join(unpacked, "boot")).find((name) => name.startsWith("vmlinuz-"));
  if (image === undefined) throw new Error("linux-image-cloud-amd64 brought no kernel");
  mkdirSync(join(directory, "tree"));
  renameSync(join(unpacked, "boot", image), join(directory, "tree/vmlinuz"));
}
