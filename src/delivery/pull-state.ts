/**
 * What `pull` remembers between its runs: whether there is news, and when to try again. Nothing in it decides what is accepted;
 * without it the next run does some work again.
 */
import { join } from "node:path";
import { utf8, utf8Text } from "../core/bytes.ts";
import { canonicalJson } from "../core/canonical-json.ts";
import { NixsealError } from "../core/errors.ts";
import type { Files } from "../core/file-ports.ts";
import type { Random } from "../core/ports.ts";
import { nullable, object, oneOf, text, wrong, type Check } from "../core/shape.ts";
import { sha256Hex } from "./head.ts";
import type { PullConfig } from "./pull-config.ts";

export interface Failure {
  /** `digestOfHead` of what could not be followed; null when the source could not be reached. Something newer is tried at once. */
  readonly head: string | null;
  readonly count: number;
  /** Milliseconds since 1970: not before. */
  readonly again: number;
  readonly message: string;
  readonly code: number;
}

export interface PullState {
  /** Of the configuration: with another source nothing of this counts. */
  readonly source: string;
  /** The source's tag for the head that was followed last; null where it gives none. */
  readonly tag: string | null;
  /** `digestOfHead` of it. */
  readonly done: string | null;
  readonly failure: Failure | null;
}

const largest = 64 << 10;
/** Milliseconds. */
const pauses = { first: 60_000, longest: 3600_000 };

const line = text((given) => given.length <= 8192, "text");
const count: Check<number> = (value, path) => {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw wrong(path, "a whole number", value);
};
const shape = object<PullState & { readonly v: 1 }>({
  v: oneOf(1),
  source: line,
  tag: nullable(line),
  done: nullable(line),
  failure: nullable(
    object<Failure>({ head: nullable(line), count, again: count, message: line, code: count }),
  ),
});

export function sourceId(config: PullConfig): string {
  return sha256Hex(utf8(canonicalJson({ ...config, source: { ...config.source } })));
}

/** Of this source; an empty one when there is none, or a damaged one. */
export async function readPullState(
  files: Pick<Files, "read">,
  directory: string,
  config: PullConfig,
): Promise<PullState> {
  const fresh: PullState = { source: sourceId(config), tag: null, done: null, failure: null };
  try {
    const bytes = await files.read(join(directory, "state.json"), { limit: largest, follow: false });
    const { v: _, ...state } = shape(JSON.parse(utf8Text(bytes, "the state of pull")), "state");
    return state.source === fresh.source ? state : fresh;
  } catch (error) {
    const isDamage = error instanceof NixsealError && error.code !== "io" && error.code !== "bug";
    if (isDamage || error instanceof SyntaxError) return fresh;
    throw error;
  }
}

export async function writePullState(
  files: Pick<Files, "writeAtomic">,
  directory: string,
  state: PullState,
): Promise<void> {
  const { failure, ...rest } = state;
  const json = { v: 1, ...rest, failure: failure === null ? null : { ...failure } };
  await files.writeAtomic(join(directory, "state.json"), utf8(`${canonicalJson(json)}\n`), { mode: 0o644 });
}

/**
 * The next failure: a minute, doubled each time, an hour at most; a random part of it, so that thousands of hosts that lost one server
 * do not come back at once.
 */
export function failureAfter(
  before: Failure | null,
  about: { readonly head: string | null; readonly message: string; readonly code: number },
  now: Date,
  random: Pick<Random, "bytes">,
): Failure {
  const times = before !== null && before.head === about.head ? before.count + 1 : 1;
  const pause = Math.min(pauses.longest, pauses.first * 2 ** Math.min(times - 1, 20));
  const part = 0.5 + Buffer.from(random.bytes(2)).readUInt16BE() / 0x20000;
  const message = about.message.slice(0, 2000);
  return { ...about, message, count: times, again: Math.round(now.getTime() + pause * part) };
}

/** Whether it is too early. A clock that was set back must not make a minute a year. */
export function mustWait({ again }: Pick<Failure, "again">, now: Date): boolean {
  const left = again - now.getTime();
  return left > 0 && left <= pauses.longest;
}
