import { resolve } from "node:path";
import { at, NixsealError } from "../../core/errors.ts";
import { formatSeen, nothingSeen, parseSeen, seenLimit, type Seen } from "../../trust/root/seen.ts";
import { sameBytes } from "../../core/bytes.ts";
import type { Context } from "../op.ts";

type Reader = Pick<Context, "files" | "processes" | "emit">;

/** What this clone has seen before. Kept below `.git`, where pulling and checking out never reach. */
export async function readMemory(
  context: Reader,
  directory: string,
): Promise<{ readonly seen: Seen; readonly path: string | null }> {
  const path = await memoryPath(context, directory);
  if (path === null || (await context.files.statusOfLink(path)) === null) return { seen: nothingSeen, path };
  try {
    return { seen: parseSeen(await context.files.read(path, { limit: seenLimit, follow: false })), path };
  } catch (error) {
    throw at(error, { file: path });
  }
}

/** Writes it when it has changed. In a clone that may only be read nothing is remembered, which is said. */
export async function remember(
  context: Reader,
  path: string | null,
  before: Seen,
  after: Seen,
): Promise<void> {
  const bytes = formatSeen(after);
  if (path === null || sameBytes(formatSeen(before), bytes)) return;
  try {
    await context.files.writeAtomic(path, bytes, { mode: 0o600 });
  } catch (error) {
    if (!(error instanceof NixsealError) || error.code !== "io") throw error;
    context.emit({
      type: "warning",
      message: `what was verified cannot be remembered in ${path}: ${error.message}`,
      hint: "an older root or revocation list will not be noticed here later",
    });
  }
}

async function memoryPath(context: Reader, directory: string): Promise<string | null> {
  const { code, stdout } = await context.processes.run({
    program: "git",
    args: ["-C", directory, "rev-parse", "--git-common-dir"],
    timeout: 10_000,
  });
  if (code === 0)
    return resolve(directory, Buffer.from(stdout).toString("utf8").trim(), "nixseal-trust.json");
  context.emit({
    type: "warning",
    message: "this is no git repository, so an older root or revocation list would not be noticed",
  });
  return null;
}
