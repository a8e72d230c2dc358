/** Writing to the ledger: appended, flushed, one writer at a time. */
import { utf8 } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import type { Clock } from "../../core/ports.ts";
import type { LedgerEntry, LedgerRecord } from "./entry.ts";
import { entryLine, follows, genesis, headerLine, parseLine } from "./line.ts";
import { readHead, type LedgerHead } from "./read.ts";
import { ledgerLimits, segmentFile, segmentsOf } from "./segments.ts";

export interface LedgerPorts {
  readonly files: Pick<
    Files,
    "append" | "list" | "lock" | "makeDirectory" | "readEnd" | "stream" | "sync" | "writeAtomic"
  >;
  readonly clock: Pick<Clock, "now">;
}

export interface Recorded {
  /** For receipts: null only where nothing was ever recorded. */
  readonly head: LedgerHead | null;
  /** What a power cut had left, said once by whoever writes next. */
  readonly notices: readonly string[];
}

/** Where the next line goes. */
interface End extends LedgerHead {
  /** Bytes of the segment so far. */
  readonly size: number;
  readonly torn: number;
}

/** Milliseconds. A writer appends and flushes; it never waits for anybody itself. */
const patience = 30_000;
/** Two lines are mostly within this; where they are not, the whole segment is read. */
const usualEnd = 64 << 10;
/** Bytes that are written and flushed at once. */
const batch = 1 << 20;

/**
 * Appends a line for each record, with the time of now where it has none, and is done when they are on the disk. Never takes anything
 * away: after what a power cut left half written, a new segment begins that says how much that is. `limit` at a record that no
 * line can hold; those before it may be written.
 */
export async function record(
  ports: LedgerPorts,
  directory: string,
  records: readonly (LedgerRecord | LedgerEntry)[],
): Promise<Recorded> {
  return recordChosen(ports, directory, () => Promise.resolve(records));
}

/** As `record`, for records that depend on what the ledger has: nobody writes to it while they are chosen. */
export async function recordChosen(
  { files, clock }: LedgerPorts,
  directory: string,
  choose: () => Promise<readonly (LedgerRecord | LedgerEntry)[]>,
): Promise<Recorded> {
  const time = clock.now();
  await files.makeDirectory(directory, { mode: 0o755, parents: true });
  const lock = await files.lock(`${directory}/lock`, {
    wait: patience,
    purpose: "recording where paths come from",
  });
  try {
    const records = await choose();
    const last = await findEnd(files, directory);
    const notices =
      last === null || last.torn === 0
        ? []
        : [`${segmentFile(directory, last.segment)}: ${last.torn} bytes at the end were never written whole`];
    if (records.length === 0) return { head: headOf(last), notices };
    let end = last;
    let text = "";
    const flush = async (): Promise<void> => {
      if (text === "" || end === null) return;
      await files.append(segmentFile(directory, end.segment), utf8(text));
      text = "";
    };
    for (const one of records) {
      if (end === null || end.torn > 0 || end.size >= ledgerLimits.segment) {
        await flush();
        end = await beginSegment(files, directory, end);
      }
      const line = entryLine(end.chain, { time, ...one });
      const size = Buffer.byteLength(line.text);
      if (size > ledgerLimits.line)
        throw new NixsealError("limit", `the ledger cannot hold ${size} bytes about ${one.path}`);
      text += line.text;
      end = { ...end, chain: line.chain, size: end.size + size };
      if (text.length >= batch) await flush();
    }
    await flush();
    return { head: headOf(end), notices };
  } finally {
    await lock.release();
  }
}

async function findEnd(files: LedgerPorts["files"], directory: string): Promise<End | null> {
  const number = (await segmentsOf(files, directory)).at(-1);
  if (number === undefined) return null;
  const { size, bytes } = await files.readEnd(segmentFile(directory, number), usualEnd);
  const chain = quickEnd(bytes);
  if (chain !== null) return { segment: number, chain, size, torn: 0 };
  const head = await readHead(files, directory);
  return head === null ? null : { ...head, size };
}

/** The last line's hash when it is whole and follows the one before it; null when a closer look is needed. */
function quickEnd(bytes: Uint8Array): string | null {
  const lines = Buffer.from(bytes).toString("utf8").split("\n");
  const [before, last, rest] = lines.slice(-3);
  if (before === undefined || last === undefined || rest !== "") return null;
  const chain = /^\{"chain":"([0-9a-f]{64})",/.exec(before)?.[1];
  if (chain === undefined || !follows(chain, last)) return null;
  return parseLine(last).chain;
}

/** The header of a new segment is there whole or not at all, so that no segment is without. */
async function beginSegment(
  files: LedgerPorts["files"],
  directory: string,
  before: End | null,
): Promise<End> {
  const number = (before?.segment ?? 0) + 1;
  const { text, chain } = headerLine(before?.chain ?? genesis, { number, torn: before?.torn ?? 0 });
  const bytes = utf8(text);
  await files.writeAtomic(segmentFile(directory, number), bytes, { mode: 0o644 });
  return { segment: number, chain, size: bytes.length, torn: 0 };
}

function headOf(end: End | null): LedgerHead | null {
  return end === null ? null : { segment: end.segment, chain: end.chain };
}
