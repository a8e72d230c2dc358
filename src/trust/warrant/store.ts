/** The warrants of a fleet, in `warrants/HOST/NNNN.json` and `warrants/@GROUP/NNNN.json`. */
import { join } from "node:path";
import { at, NixsealError } from "../../core/errors.ts";
import type { FileReader } from "../root/store.ts";
import { parseWarrantEnvelope, type WarrantEnvelope } from "./envelope.ts";
import { warrantLimits } from "./limits.ts";
import { sequenceOf } from "./state.ts";
import type { Subject } from "./model.ts";

export const warrantsDirectory = "warrants";

/** Files of a directory, or those of a commit. */
export interface WarrantReader extends FileReader {
  list(directory: string): Promise<readonly string[]>;
}

/** Relative to the fleet's directory. Four digits, more when they are needed. */
export function warrantFile(subject: Subject, seq: number): string {
  return join(warrantsDirectory, sequenceOf(subject), `${String(seq).padStart(4, "0")}.json`);
}

/** The numbers of the warrants that are kept for the subject, rising. */
export async function keptWarrants(
  files: Pick<WarrantReader, "list" | "statusOfLink">,
  directory: string,
  subject: Subject,
): Promise<number[]> {
  const path = join(directory, warrantsDirectory, sequenceOf(subject));
  if ((await files.statusOfLink(path)) === null) return [];
  const numbers = (await files.list(path)).flatMap((name) => {
    const match = /^([0-9]{4,15})\.json$/.exec(name);
    return match === null ? [] : [Number(match[1])];
  });
  return numbers.sort((a, b) => a - b);
}

/** The newest one that is kept; null when there is none. */
export async function newestWarrant(
  files: WarrantReader,
  directory: string,
  subject: Subject,
): Promise<WarrantEnvelope | null> {
  const seq = (await keptWarrants(files, directory, subject)).at(-1);
  return seq === undefined ? null : readKept(files, directory, subject, seq);
}

/** One that is kept. `malformed` when the file holds another than its name says. */
export async function readKept(
  files: Pick<WarrantReader, "read">,
  directory: string,
  subject: Subject,
  seq: number,
): Promise<WarrantEnvelope> {
  const file = warrantFile(subject, seq);
  const envelope = await readWarrant(files, join(directory, file), file);
  const { warrant } = envelope;
  if (warrant.seq === seq && sequenceOf(warrant.subject) === sequenceOf(subject)) return envelope;
  throw new NixsealError(
    "malformed",
    `this is warrant ${warrant.seq} for ${sequenceOf(warrant.subject)}, not what the file's name says`,
    { where: { file } },
  );
}

/** Any warrant's file. */
export async function readWarrant(
  files: Pick<WarrantReader, "read">,
  path: string,
  shown: string,
): Promise<WarrantEnvelope> {
  try {
    return parseWarrantEnvelope(await files.read(path, { limit: warrantLimits.file }));
  } catch (error) {
    throw at(error, { file: shown });
  }
}
