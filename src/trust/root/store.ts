/** The root's files in a repository: `root.json`, the versions before it, and the one that is being signed. */
import { at, NixsealError } from "../../core/errors.ts";
import type { Files, ReadLimit } from "../../core/file-ports.ts";
import { sameBytes } from "../../core/bytes.ts";
import { envelopeLimits, formatEnvelope, parseEnvelope, type Envelope } from "./envelope.ts";

/** What is needed to read: files of a directory, or those of a commit. */
export interface FileReader {
  read(path: string, options: ReadLimit): Promise<Uint8Array>;
  /** Null when there is nothing. */
  statusOfLink(path: string): Promise<object | null>;
}

export const rootFile = "trust/root.json";
/** Signed by too few so far. Nothing trusts it; it is a way to pass it round. */
export const nextRootFile = "trust/root.next.json";

/** More versions than a fleet has in a lifetime; each costs a file and some signatures. */
const mostVersions = 10_000;

/** A version before the current one, kept so that whoever was away can follow step by step. */
export function oldRootFile(version: number): string {
  return `trust/root.${version}.json`;
}

/**
 * Every version from `from` to the current one, in order; null when there is no root. `refused` when one between is
 * missing. Nothing is decided here.
 */
export async function readChain(files: FileReader, directory: string, from = 1): Promise<Envelope[] | null> {
  const newest = await readEnvelope(files, directory, rootFile);
  if (newest === null) return null;
  const { version } = newest.root;
  if (version - from > mostVersions)
    throw new NixsealError("limit", `more than ${mostVersions} versions of the root`, {
      where: { file: rootFile },
    });
  const chain: Envelope[] = [];
  for (let wanted = from; wanted < version; wanted++) {
    const file = oldRootFile(wanted);
    const old = await readEnvelope(files, directory, file);
    if (old === null || old.root.version !== wanted)
      throw new NixsealError("refused", `version ${wanted} of the root is missing`, {
        hint: "every version is needed to follow the root from the first; take the file from git",
        where: { file },
      });
    chain.push(old);
  }
  return [...chain, newest];
}

/** The version that all others followed, which tells fleets apart; null where it is not there. Nothing is decided here. */
export async function readFirst(files: FileReader, directory: string): Promise<Envelope | null> {
  const old = await readEnvelope(files, directory, oldRootFile(1));
  const first = old ?? (await readEnvelope(files, directory, rootFile));
  return first?.root.version === 1 ? first : null;
}

/** What waits for signatures; null when nothing does. */
export function readNext(files: FileReader, directory: string): Promise<Envelope | null> {
  return readEnvelope(files, directory, nextRootFile);
}

export async function writeNext(
  files: Pick<Files, "writeAtomic" | "makeDirectory">,
  directory: string,
  next: Envelope,
): Promise<void> {
  await files.makeDirectory(`${directory}/trust`, { mode: 0o755, parents: true });
  await files.writeAtomic(`${directory}/${nextRootFile}`, formatEnvelope(next), { mode: 0o644 });
}

/**
 * Makes `next` the root. The version before is kept first, so that being killed at any point leaves a whole chain;
 * a `root.next.json` that is left over is then the same as `root.json`, which `isLeftover` says.
 */
export async function promote(
  files: Pick<Files, "writeAtomic" | "makeDirectory" | "remove" | "statusOfLink">,
  directory: string,
  current: Envelope | null,
  next: Envelope,
): Promise<void> {
  const options = { mode: 0o644 };
  await files.makeDirectory(`${directory}/trust`, { mode: 0o755, parents: true });
  if (current !== null) {
    const old = `${directory}/${oldRootFile(current.root.version)}`;
    await files.writeAtomic(old, formatEnvelope(current), options);
  }
  await files.writeAtomic(`${directory}/${rootFile}`, formatEnvelope(next), options);
  await discardNext(files, directory);
}

export async function discardNext(
  files: Pick<Files, "remove" | "statusOfLink">,
  directory: string,
): Promise<void> {
  const path = `${directory}/${nextRootFile}`;
  if ((await files.statusOfLink(path)) !== null) await files.remove(path);
}

/** Whether what waits for signatures is the current root already. */
export function isLeftover(current: Envelope | null, next: Envelope): boolean {
  return current !== null && sameBytes(current.payload, next.payload);
}

async function readEnvelope(files: FileReader, directory: string, file: string): Promise<Envelope | null> {
  const path = `${directory}/${file}`;
  if ((await files.statusOfLink(path)) === null) return null;
  try {
    return parseEnvelope(await files.read(path, { limit: envelopeLimits.file, follow: false }));
  } catch (error) {
    throw at(error, { file });
  }
}
