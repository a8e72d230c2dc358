/**
 * A pulling host's receipts on their way back, to where its orders come from. They are signed: whoever holds that place can keep one back and
 * change none. Nothing that goes wrong here is a fault of the pull; the next run hands in what is left.
 */
import { join } from "node:path";
import { utf8, utf8Text } from "../core/bytes.ts";
import { canonicalJson } from "../core/canonical-json.ts";
import { NixsealError } from "../core/errors.ts";
import { list, object, text } from "../core/shape.ts";
import { sha256Hex } from "./head.ts";
import { receiptLimits } from "./receipt.ts";
import type { PullConfig } from "./pull-config.ts";
import type { SourceWorld } from "./pull-source.ts";
import { sourceId } from "./pull-state.ts";

/** In one run. After a long time without a way back the newest ones count. */
const mostAtOnce = 16;
/** Milliseconds, of each. */
const patience = 20_000;
const largestAnswer = 64 << 10;
const largestState = 256 << 10;
/** More than a host keeps. */
const mostNames = 2000;

/** What was handed in last: its file's name, and the SHA-256 of its bytes, since a host may write one anew. */
interface HandedIn {
  /** Of the configuration: another place has seen nothing yet. */
  readonly to: string;
  readonly name: string;
  readonly digest: string;
  /** All that were there by then. Not "all before": of a clock that once was ahead every later receipt would be an earlier one. */
  readonly seen: readonly string[];
}

type Place = (name: string, bytes: Uint8Array) => Promise<void>;

/** `directory`: of what pull remembers. Says why not all were handed in; null when they were, or where there is no way back. */
export async function handInReceipts(
  world: SourceWorld,
  config: PullConfig,
  directory: string,
): Promise<string | null> {
  const place = placeOf(world, config);
  if (place === null) return null;
  const { files, paths } = world;
  try {
    if ((await files.statusOfLink(paths.receipts)) === null) return null;
    const to = sourceId(config);
    const before = await readHandedIn(world, directory);
    const last = before?.to === to ? before : null;
    const names = (await files.list(paths.receipts)).filter((name) => namePattern.test(name));
    const seen = new Set(last?.seen);
    const due = names.filter((one) => one === last?.name || !seen.has(one)).slice(-mostAtOnce);
    for (const name of due) {
      const bytes = await files.read(join(paths.receipts, name), {
        limit: receiptLimits.file,
        follow: false,
      });
      const digest = sha256Hex(bytes);
      if (name === last?.name && digest === last.digest) continue;
      await place(name, bytes);
      const left = due.slice(due.indexOf(name) + 1);
      const now: HandedIn = { to, name, digest, seen: names.filter((one) => !left.includes(one)) };
      await files.writeAtomic(
        stateFile(directory),
        utf8(`${canonicalJson({ ...now, seen: [...now.seen] })}\n`),
        { mode: 0o644 },
      );
    }
    return null;
  } catch (error) {
    if (!(error instanceof NixsealError) || error.code === "bug") throw error;
    return error.message;
  }
}

/** As the gate names them: nothing that leads elsewhere, in a path or in a URL. */
const namePattern = /^[0-9]{8}T[0-9]{6}Z-[0-9a-z-]{1,64}\.json$/;

function placeOf(world: SourceWorld, { source, report }: PullConfig): Place | null {
  const { host } = world.config;
  if (report !== null)
    return (name, bytes) =>
      world.uploads.put(`${report.replace(/\/+$/, "")}/${host}/${name}`, bytes, {
        limit: largestAnswer,
        timeout: patience,
      });
  if (source.kind !== "directory") return null;
  return (name, bytes) => intoDirectory(world, join(world.paths.root, source.path), name, bytes);
}

/** A stick may be anybody's: what is in the place of a directory there and leads elsewhere is not followed. */
async function intoDirectory(
  { files, config }: Pick<SourceWorld, "files" | "config">,
  top: string,
  name: string,
  bytes: Uint8Array,
): Promise<void> {
  let place = top;
  for (const below of ["receipts", config.host]) {
    place = join(place, below);
    const found = await files.statusOfLink(place);
    if (found === null) await files.makeDirectory(place, { mode: 0o755 });
    else if (found.kind !== "directory")
      throw new NixsealError("refused", `${place} is no directory: receipts are not written there`);
  }
  await files.writeAtomic(join(place, name), bytes, { mode: 0o644 });
}

function stateFile(directory: string): string {
  return join(directory, "handed-in.json");
}

async function readHandedIn(
  { files }: Pick<SourceWorld, "files">,
  directory: string,
): Promise<HandedIn | null> {
  try {
    const bytes = await files.read(stateFile(directory), { limit: largestState, follow: false });
    return shape(JSON.parse(utf8Text(bytes, "what was handed in")), "handed-in");
  } catch (error) {
    // Damaged or not there: some are handed in twice.
    if (error instanceof SyntaxError) return null;
    if (error instanceof NixsealError && error.code !== "io" && error.code !== "bug") return null;
    throw error;
  }
}

const line = text((given) => given.length <= 200, "text");
const shape = object<HandedIn>({ to: line, name: line, digest: line, seen: list(line, mostNames) });
