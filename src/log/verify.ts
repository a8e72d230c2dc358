import { NixsealError } from "../core/errors.ts";
import { digestOf, parseEntry } from "./entry.ts";
import type { LogHead } from "./log.ts";

/** Somebody else's memory of the log: a host's signed receipt, an operator's note. */
export interface Witness extends LogHead {
  /** For messages: `receipt of web1, 2026-01-31`. */
  readonly name: string;
}

export interface LogProblem {
  readonly code: "malformed" | "edited" | "dropped" | "reordered" | "truncated" | "rewritten";
  /** Where it shows; what was changed may lie just before. */
  readonly seq: number;
  readonly message: string;
}

export interface LogVerdict {
  readonly entries: number;
  readonly head: LogHead | null;
  /** Witnesses whose memory agrees. */
  readonly agreed: number;
  /** In the order of the log; no more than `mostProblems`. */
  readonly problems: readonly LogProblem[];
}

export const mostProblems = 100;

/**
 * Holds the chain against itself and against what others remember of it. A chain alone finds what was changed in
 * the middle; that its end was cut off, or that all of it was written anew, only a witness can tell.
 */
export async function verifyLog(
  lines: AsyncIterable<string> | Iterable<string>,
  witnesses: readonly Witness[],
): Promise<LogVerdict> {
  const problems: LogProblem[] = [];
  const say = (code: LogProblem["code"], seq: number, message: string): void => {
    if (problems.length < mostProblems) problems.push({ code, seq, message });
  };
  const remembered = new Map<number, Witness[]>();
  for (const witness of witnesses)
    remembered.set(witness.seq, [...(remembered.get(witness.seq) ?? []), witness]);

  let entries = 0;
  let agreed = 0;
  let head: LogHead | null = null;
  for await (const line of lines) {
    entries++;
    const digest = digestOf(line);
    const expected: number = (head?.seq ?? 0) + 1;
    const entry = parsed(line);
    if (entry === null) say("malformed", expected, `entry ${expected} is damaged`);
    else if (entry.seq > expected)
      say("dropped", entry.seq, `${named(expected, entry.seq - 1)} missing before entry ${entry.seq}`);
    else if (entry.seq < expected)
      say("reordered", entry.seq, `entry ${entry.seq} stands behind entry ${expected - 1}`);
    else if (entry.prev !== (head?.digest ?? null))
      say(
        "edited",
        entry.seq,
        `entry ${entry.seq} does not continue the one before: one of them was changed`,
      );

    const seq: number = entry?.seq ?? expected;
    for (const witness of remembered.get(seq) ?? [])
      if (witness.digest === digest) agreed++;
      else say("rewritten", seq, `${witness.name} remembers another entry ${seq}`);
    remembered.delete(seq);
    head = { seq, digest };
  }
  const end = head?.seq ?? 0;
  for (const [seq, those] of [...remembered].toSorted(([a], [b]) => a - b))
    for (const { name } of those)
      say(
        seq > end ? "truncated" : "rewritten",
        seq,
        `${name} remembers entry ${seq}; the log ${seq > end ? `ends at ${end}` : "lacks it"}`,
      );
  return { entries, head, agreed, problems };
}

function parsed(line: string): { readonly seq: number; readonly prev: string | null } | null {
  try {
    return parseEntry(line);
  } catch (error) {
    if (!(error instanceof NixsealError)) throw error;
    return null;
  }
}

function named(from: number, to: number): string {
  return from === to ? `entry ${from} is` : `entries ${from} to ${to} are`;
}
