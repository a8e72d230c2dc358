import type { Files } from "../../core/file-ports.ts";
import { segmentFile, segmentsOf } from "./segments.ts";

/** Full segments (64 MiB together) in a day: what a host's own deployments bring is some hundredth of that. */
const most = { segments: 8, milliseconds: 24 * 3600_000 };

/**
 * Whether the ledger has grown so much since yesterday that it takes nothing more but what members have signed: nobody who may upload
 * is to fill root's disk with true entries. Nothing is kept for that: when the segment before the last eight was closed is the date of its file.
 */
export async function growsTooFast(
  files: Pick<Files, "list" | "statusOfLink">,
  directory: string,
  now: Date,
): Promise<boolean> {
  const before = (await segmentsOf(files, directory)).at(-1 - most.segments);
  if (before === undefined) return false;
  const closed = (await files.statusOfLink(segmentFile(directory, before)))?.modified;
  return closed !== undefined && now.getTime() - closed.getTime() < most.milliseconds;
}
