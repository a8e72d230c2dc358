/** Reading a ledger from its beginning, one line in memory at a time. What is damaged is said and the rest still read. */
import { join } from "node:path";
import { utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import type { LedgerEntry } from "./entry.ts";
import { follows, genesis, parseLine, type Line } from "./line.ts";
import { ledgerLimits, segmentFile, segmentsOf } from "./segments.ts";
import { splitLines } from "./split-lines.ts";
import { writeAheadsOf } from "./write-ahead.ts";

export interface Place {
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

export interface LedgerFault extends Place {
  /**
   * `torn`: a power cut while it was written, or somebody writes right now; nothing is lost that was ever confirmed.
   * `changed`: a line is not the one that was written after the one before it. `missing`: whole segments are not there.
   * `waiting`: the file beside the ledger has entries of a process that still imports, or was killed; whoever imports or activates
   * next takes those in.
   */
  readonly kind: "torn" | "changed" | "missing" | "waiting";
  readonly message: string;
}

export type LedgerItem =
  | {
      readonly kind: "entry";
      readonly entry: LedgerEntry;
      readonly place: Place;
      /** As a `LedgerHead` has it. */
      readonly chain: string;
    }
  | { readonly kind: "fault"; readonly fault: LedgerFault };

/** The hash of a line and the segment that it is in: what a receipt names so that nobody can write another history. */
export interface LedgerHead {
  readonly segment: number;
  readonly chain: string;
}

export type LedgerFiles = Pick<Files, "list" | "stream">;

/** Where reading has come to. */
interface Position {
  /** Null where it cannot be known: what came before is not there. */
  chain: string | null;
  /** What stands at the end of the segment and is no line. */
  tail: { readonly place: Place; readonly size: number; readonly whole: boolean }[];
}

/**
 * Everything, in the order in which it was written, or what is in the segment `from` and those after it. Nothing at all where there is
 * no ledger.
 */
export async function* readLedger(
  files: LedgerFiles,
  directory: string,
  from = 1,
): AsyncGenerator<LedgerItem> {
  const position: Position = { chain: from === 1 ? genesis : null, tail: [] };
  let expected = from;
  for (const number of await segmentsOf(files, directory)) {
    if (number < from) continue;
    const file = segmentFile(directory, number);
    if (number !== expected) {
      yield* tailFaults(position, null);
      const message = `segments ${expected} to ${number - 1} are not there: what they said is not known`;
      yield fault({ file, line: 1 }, "missing", message);
      position.chain = null;
    }
    yield* readSegment(files, file, number, position);
    expected = number + 1;
  }
  yield* tailFaults(position, tornBytes(position));
  for (const { file } of await writeAheadsOf(files, directory))
    yield fault(
      { file: join(directory, file), line: 1 },
      "waiting",
      "these entries are not in the ledger yet",
    );
}

/** The end of the last segment, and the bytes after it that are no line; null where there is no ledger yet. */
export async function readHead(
  files: LedgerFiles,
  directory: string,
): Promise<(LedgerHead & { readonly torn: number }) | null> {
  const number = (await segmentsOf(files, directory)).at(-1);
  if (number === undefined) return null;
  const position: Position = { chain: null, tail: [] };
  const items = readSegment(files, segmentFile(directory, number), number, position);
  while ((await items.next()).done !== true);
  return { segment: number, chain: position.chain ?? genesis, torn: tailSize(position) };
}

async function* readSegment(
  files: LedgerFiles,
  file: string,
  number: number,
  position: Position,
): AsyncGenerator<LedgerItem> {
  let count = 0;
  for await (const { bytes, size, whole } of splitLines(files.stream(file), ledgerLimits.line)) {
    count += 1;
    const place = { file, line: count };
    const text = whole && bytes !== null ? textOf(bytes) : null;
    const line = text === null ? null : parsed(text);
    if (text === null || line === null) {
      if (count === 1) yield* tailFaults(position, null);
      position.tail.push({ place, size, whole });
      continue;
    }
    const header = line.kind === "segment" ? line.header : null;
    yield* tailFaults(position, count === 1 ? (header?.torn ?? null) : null);
    const misplaced = (header !== null) !== (count === 1) || (header !== null && header.number !== number);
    if (misplaced) yield fault(place, "changed", "this line does not belong here");
    else if (position.chain !== null && !follows(position.chain, text))
      yield fault(place, "changed", "this is not what was written here, or lines before it are gone");
    position.chain = line.chain; // on by what is there: one change is one fault, not one for each line after it
    if (line.kind === "entry") yield { kind: "entry", entry: line.entry, place, chain: line.chain };
  }
}

/** What is no line is the end that a power cut left, when whoever wrote next counted just these bytes; else a change. */
function* tailFaults(position: Position, torn: number | null): Generator<LedgerItem> {
  const { tail } = position;
  position.tail = [];
  const [first] = tail;
  if (first === undefined) return;
  const size = tail.reduce((sum, one) => sum + one.size, 0);
  if (torn === size)
    yield fault(first.place, "torn", `${size} bytes were being written when the power went, or are just now`);
  else for (const { place } of tail) yield fault(place, "changed", "this is no line of a ledger");
}

function tailSize({ tail }: Position): number {
  return tail.reduce((sum, { size }) => sum + size, 0);
}

/** At the very end nobody has counted yet: a line without its end is torn, one with it was whole once. */
function tornBytes(position: Position): number | null {
  return position.tail.length === 1 && position.tail[0]!.whole ? null : tailSize(position);
}

function fault(place: Place, kind: LedgerFault["kind"], message: string): LedgerItem {
  return { kind: "fault", fault: { kind, ...place, message } };
}

function textOf(bytes: Uint8Array): string | null {
  return asNull(() => utf8Text(bytes, "the line"));
}

function parsed(text: string): Line | null {
  return asNull(() => parseLine(text));
}

function asNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof NixsealError && error.code !== "bug") return null;
    throw error;
  }
}
