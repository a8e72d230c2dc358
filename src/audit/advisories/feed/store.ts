/** The feed on this machine: `seen.json`, and beside it a mirror of what was accepted. */
import { NixsealError, at } from "../../../core/errors.ts";
import type { Files } from "../../../core/file-ports.ts";
import { AdvisoryIndex } from "../index/read.ts";
import { advisorySet, type AdvisorySet } from "../advisory-set.ts";
import { effectiveTime } from "./decide.ts";
import { sha256Hex } from "./metadata.ts";
import { parseSeen, seenLimit, type Seen } from "./seen.ts";
import { layerName } from "./source.ts";

export const seenFile = (directory: string): string => `${directory}/seen.json`;

/** Null before the first update. A damaged one is an error: it must not count as nothing seen. */
export async function readSeen(
  files: Pick<Files, "read" | "status">,
  directory: string,
): Promise<Seen | null> {
  const file = seenFile(directory);
  if ((await files.status(file)) === null) return null;
  try {
    return parseSeen(await files.read(file, { limit: seenLimit }));
  } catch (error) {
    throw at(error, { file });
  }
}

/** Whether what was accepted may still be gone by: TUF's freeze. */
export function staleSince({ expires, time }: Seen, clock: Date): Date | null {
  if (expires === null) return new Date(0);
  return effectiveTime(clock, time) >= expires ? expires : null;
}

/** The advisories of the last update. `not-found` with the way out when there was none. */
export async function openAdvisories(
  files: Pick<Files, "read" | "status">,
  directory: string,
): Promise<{ readonly set: AdvisorySet; readonly seen: Seen }> {
  const seen = await readSeen(files, directory);
  if (seen === null || seen.expires === null)
    throw new NixsealError("not-found", "there are no advisories yet", {
      hint: "fetch them with 'nixseal advisories update', or name an index with --index",
    });
  const indexes: AdvisoryIndex[] = [];
  for (const { digest, length } of seen.layers) {
    const file = `${directory}/${layerName(digest)}`;
    indexes.push(indexOf(await files.read(file, { limit: length }), file));
  }
  return { set: advisorySet(indexes, seen.expires, seen.critical), seen };
}

/** Whether a layer lies there whole. Its bytes were compared when it came; again on every update. */
export async function hasLayer(
  files: Pick<Files, "read" | "status">,
  directory: string,
  { digest, length }: { readonly digest: string; readonly length: number },
): Promise<boolean> {
  const file = `${directory}/${layerName(digest)}`;
  const status = await files.status(file);
  if (status === null || status.size !== length) return false;
  return sha256Hex(await files.read(file, { limit: length })) === digest;
}

export function indexOf(bytes: Uint8Array, file: string): AdvisoryIndex {
  try {
    return new AdvisoryIndex(bytes);
  } catch (error) {
    throw at(error, { file });
  }
}
