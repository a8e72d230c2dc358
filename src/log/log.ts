import { concat, utf8 } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";
import type { State } from "../state/state.ts";
import { digestOf, formatEntry, linesOf, parseEntry, type Event } from "./entry.ts";

/** A place in the log. Hosts put the one that they were told into their receipts, and so witness all before it. */
export interface LogHead {
  readonly seq: number;
  readonly digest: string;
}

/** Bytes of a segment after which a new one begins: each entry rewrites the last segment. */
const fullSegment = 64 << 10;
const mostAttempts = 100;
const pageOfSegments = 16;

/**
 * Adds an entry behind the last. Others may add at the same time: whoever comes second reads again. `malformed` when
 * the end of the log is damaged: nothing is ever written behind a damage, which `log verify` explains.
 */
export async function appendToLog(state: State, clock: Clock, event: Event): Promise<LogHead> {
  for (let attempt = 1; attempt <= mostAttempts; attempt++) {
    const [last] = await state.list("log/", { limit: 1, order: "descending" });
    const former = last === undefined ? null : lastOf(last.value, last.key);
    const seq = (former?.seq ?? 0) + 1;
    const line = formatEntry({ v: 1, seq, at: clock.now(), prev: former?.digest ?? null, ...event });
    const bytes = utf8(`${line}\n`);
    const grows = last !== undefined && last.value.length + bytes.length <= fullSegment;
    const done = grows
      ? await state.swap(last.key, last.value, concat(last.value, bytes))
      : await state.swap(segmentKey(seq), null, bytes);
    if (done) return { seq, digest: digestOf(line) };
    await clock.sleep(attempt);
  }
  throw new NixsealError("conflict", "the log is written to by too many at once", {
    hint: "try again; what was done is done",
  });
}

/** Hosts of one entry, so that names and a digest for each fit into it. */
const hostsAtOnce = 256;

/** What concerns many hosts, as several entries where they do not fit into one. `detail`: of those hosts. Gives the place of the last. */
export async function appendForHosts(
  state: State,
  clock: Clock,
  { hosts, ...event }: Omit<Event, "detail">,
  detail: (hosts: readonly string[]) => Event["detail"],
): Promise<LogHead> {
  for (let at = 0; ; at += hostsAtOnce) {
    const some = hosts.slice(at, at + hostsAtOnce);
    const head = await appendToLog(state, clock, { ...event, hosts: some, detail: detail(some) });
    if (at + hostsAtOnce >= hosts.length) return head;
  }
}

/** The newest place; null for an empty log. */
export async function headOfLog(state: State): Promise<LogHead | null> {
  const [last] = await state.list("log/", { limit: 1, order: "descending" });
  return last === undefined ? null : lastOf(last.value, last.key);
}

/** Every line in order, as it stands there, in pages. */
export async function* readLog(state: State): AsyncIterable<string> {
  for (let after: string | undefined; ;) {
    const page = await state.list("log/", { limit: pageOfSegments, after });
    for (const { value } of page) yield* linesOf(value);
    if (page.length < pageOfSegments) return;
    after = page.at(-1)!.key;
  }
}

function lastOf(segment: Uint8Array, key: string): LogHead {
  const line = linesOf(segment).at(-1);
  if (line === undefined) throw new NixsealError("malformed", `${key} is empty`);
  return { seq: parseEntry(line).seq, digest: digestOf(line) };
}

/** Ten digits, so that the order of keys is the order of entries. */
function segmentKey(seq: number): string {
  return `log/${String(seq).padStart(10, "0")}`;
}
