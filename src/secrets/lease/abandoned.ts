import { dirname, join } from "node:path";
import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import { heldMark } from "./hold.ts";

type World = Pick<Files, "list" | "lock" | "shredTree" | "status" | "statusOfLink">;

/**
 * Leases beside ours whose holder was killed with SIGKILL: nobody has their lock, which the kernel took back. They are overwritten and
 * removed. Only directories of our own user that are closed to others are touched, and only those that a holder marked. Gives what
 * could not be done.
 */
export async function removeAbandoned(files: World, ours: string): Promise<string[]> {
  const place = dirname(ours);
  const own = (await files.status(ours))!.uid;
  const problems: string[] = [];
  for (const name of await files.list(place)) {
    const path = join(place, name);
    if (!name.startsWith("nixseal-") || path === ours) continue;
    try {
      if (await isMarked(files, path, own)) await removeFree(files, path);
    } catch (error) {
      // Somebody holds it, or was quicker.
      if (!(error instanceof NixsealError)) throw error;
      if (!["conflict", "not-found"].includes(error.code))
        problems.push(`cannot remove the abandoned lease '${path}': ${error.message}\n`);
    }
  }
  return problems;
}

async function isMarked(files: World, path: string, own: number): Promise<boolean> {
  const status = await files.statusOfLink(path);
  if (status?.kind !== "directory" || status.uid !== own || (status.mode & 0o077) !== 0) return false;
  if ((await files.statusOfLink(join(path, heldMark)))?.kind !== "file") return false;
  // One that has no values yet may be between its mark and its lock.
  return (await files.list(path)).length > 1;
}

async function removeFree(files: World, path: string): Promise<void> {
  const lock = await files.lock(join(path, heldMark), { wait: 0, purpose: "removing an abandoned lease" });
  try {
    await files.shredTree(path);
  } finally {
    await lock.release();
  }
}
