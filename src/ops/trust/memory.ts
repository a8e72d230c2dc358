import { createHash } from "node:crypto";
import { hex, sameBytes, utf8Text } from "../../core/bytes.ts";
import { at, NixsealError } from "../../core/errors.ts";
import { openRepository } from "../../trust/commits/repository.ts";
import { formatSeen, latest, nothingSeen, parseSeen, seenLimit, type Seen } from "../../trust/root/seen.ts";
import type { Files } from "../../core/ports.ts";
import type { Context } from "../op.ts";

type Reader = Pick<Context, "files" | "processes" | "emit">;

/** What this clone has seen before. Kept below `.git`, where pulling and checking out never reach. */
export async function readMemory(
  context: Reader,
  directory: string,
): Promise<{ readonly seen: Seen; readonly path: string | null }> {
  const path = await memoryPath(context, directory);
  return { seen: path === null ? nothingSeen : await readSeen(context.files, path), path };
}

/**
 * Adds to it what was seen now, under a lock of its own: a run that took longer takes nothing back. In a clone that
 * may only be read nothing is remembered, which is said.
 */
export async function remember(
  context: Reader,
  path: string | null,
  before: Seen,
  after: Seen,
): Promise<void> {
  if (path === null || sameBytes(formatSeen(before), formatSeen(after))) return;
  const { files } = context;
  try {
    const lock = await files.lock(`${path}.lock`, { wait: 10_000, purpose: "remember the root" });
    try {
      const seen = latest(await readSeen(files, path), after);
      await files.writeAtomic(path, formatSeen(seen), { mode: 0o600 });
    } finally {
      await lock.release();
    }
  } catch (error) {
    if (!(error instanceof NixsealError) || error.code !== "io") throw error;
    context.emit({
      type: "warning",
      message: `what was verified cannot be remembered in ${path}: ${error.message}`,
      hint: "an older root or revocation list will not be noticed here later",
    });
  }
}

async function readSeen(files: Pick<Files, "read" | "statusOfLink">, path: string): Promise<Seen> {
  if ((await files.statusOfLink(path)) === null) return nothingSeen;
  try {
    return parseSeen(await files.read(path, { limit: seenLimit, follow: false }));
  } catch (error) {
    throw at(error, { file: path });
  }
}

/** One memory a fleet: a repository may hold several, each in a directory of its own. */
async function memoryPath(context: Reader, directory: string): Promise<string | null> {
  try {
    const { git, commonDirectory } = await openRepository(context.processes, context.files, directory);
    const { stdout } = await git.run(["rev-parse", "--show-prefix"]);
    const prefix = utf8Text(stdout, "git's output").trimEnd();
    const mark = prefix === "" ? "" : `-${hex(createHash("sha256").update(prefix).digest()).slice(0, 16)}`;
    return `${commonDirectory}/nixseal-trust${mark}.json`;
  } catch (error) {
    // Damaged configuration, or a clone of somebody else: what was seen may well be there.
    if (!(error instanceof NixsealError) || error.code !== "not-found") throw error;
  }
  context.emit({
    type: "warning",
    message: "this is no git repository, so an older root or revocation list would not be noticed",
  });
  return null;
}
