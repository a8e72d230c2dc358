import { join } from "node:path";
import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import { secretsDirectory } from "./stored-secret.ts";

/** What a write leaves that was killed or cut off by a power failure: `.FILE.RANDOM.tmp`, never read again. */
const temporary = /^\.[A-Za-z0-9][A-Za-z0-9._-]{0,63}\.(age|json)\.[0-9a-f]{12}\.tmp$/;

/** Milliseconds. Nobody on this machine writes while we hold the lock; somebody else may where the disk is shared. */
const old = 60 * 60 * 1000;

/**
 * Removes the temporary files of secrets that nobody can be writing any more, and gives their names. To be called under
 * the fleet's lock. Only what has the name, the kind and the age of ours: everything else is for `secrets check` to tell.
 */
export async function removeLeftovers(
  files: Pick<Files, "list" | "statusOfLink" | "remove">,
  directory: string,
  now: Date,
): Promise<string[]> {
  const removed: string[] = [];
  for (const name of await namesIn(files, join(directory, secretsDirectory))) {
    if (!temporary.test(name)) continue;
    const path = join(directory, secretsDirectory, name);
    const status = await files.statusOfLink(path);
    if (status?.kind !== "file" || now.getTime() - status.modified.getTime() < old) continue;
    await files.remove(path);
    removed.push(`${secretsDirectory}/${name}`);
  }
  return removed;
}

async function namesIn(files: Pick<Files, "list">, directory: string): Promise<string[]> {
  try {
    return await files.list(directory);
  } catch (error) {
    if (error instanceof NixsealError && error.code === "not-found") return [];
    throw error;
  }
}
