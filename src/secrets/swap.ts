import type { Files } from "../core/file-ports.ts";

/** Swap areas on disks, which pages of a tmpfs may reach; those of a ramfs are never swapped, and zram is memory. */
export async function swapOnDisk(
  files: Pick<Files, "fileSystem" | "read" | "status">,
  directory: string | null,
): Promise<string[]> {
  const path = "/proc/swaps";
  if (directory !== null && (await files.fileSystem(directory)) === "ramfs") return [];
  if ((await files.status(path)) === null) return [];
  const areas = Buffer.from(await files.read(path, { limit: 1 << 16 }))
    .toString("utf8")
    .trim()
    .split("\n")
    .slice(1);
  return areas.map((line) => line.split(/\s+/)[0]!).filter((area) => !area.startsWith("/dev/zram"));
}
