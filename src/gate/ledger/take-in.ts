/** What processes that were killed have left beside the ledger is taken into it, once. */
import { join } from "node:path";
import { utf8Text } from "../../core/bytes.ts";
import { canonicalJson } from "../../core/canonical-json.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import { typedNix32 } from "../../nix/hash.ts";
import { Field } from "../../nix/json-fields.ts";
import { entryJson, readEntry, type LedgerEntry } from "./entry.ts";
import { startOf } from "./process-start.ts";
import { readLedger } from "./read.ts";
import { recordChosen, type LedgerPorts } from "./record.ts";
import { ledgerLimits } from "./segments.ts";
import { splitLines } from "./split-lines.ts";
import { writeAheadsOf, type WriteAheadLine, type WriteAheadName } from "./write-ahead.ts";

export interface TakeInPorts {
  readonly files: LedgerPorts["files"] & Pick<Files, "read" | "remove" | "statusOfLink" | "streamInside">;
  readonly clock: LedgerPorts["clock"];
}

/** Those that the store has with just these fields. Asked when it is not known whether Nix took them before the process was killed. */
export type AreInStore = (entries: readonly LedgerEntry[]) => Promise<readonly LedgerEntry[]>;

/** Bytes. A process begins another file long before. */
const largest = 64 << 20;

/**
 * Takes in every file whose process has ended, and `own`, the caller's, which it writes no more to. A second time is no harm, nor is two at once, nor an end within: what the ledger has
 * already is not written again. Gives what could not be taken in and why; that stays where it is.
 */
export async function takeIn(
  ports: TakeInPorts,
  directory: string,
  areInStore: AreInStore,
  own: string | null = null,
): Promise<readonly string[]> {
  const notices: string[] = [];
  for (const name of await writeAheadsOf(ports.files, directory)) {
    try {
      // What runs records its own entries. Where /proc shows a process to its like only, all that import are alike.
      if (name.file !== own && (await startOf(ports.files, name.pid))?.start === name.start) continue;
      notices.push(...(await takeInOne(ports, directory, name, areInStore)));
    } catch (error) {
      if (!(error instanceof NixsealError) || error.code === "bug") throw error;
      if ((await ports.files.statusOfLink(join(directory, name.file))) === null) continue; // another was faster
      notices.push(`${join(directory, name.file)} is not taken into the ledger: ${error.message}`);
    }
  }
  return notices;
}

async function takeInOne(
  ports: TakeInPorts,
  directory: string,
  name: WriteAheadName,
  areInStore: AreInStore,
): Promise<readonly string[]> {
  const { files } = ports;
  const left = await readLeft(files, directory, name.file);
  const there = left.begun.size === 0 ? [] : await areInStore([...left.begun.values()]);
  const { notices } = await recordChosen(ports, directory, async () => {
    const missing = new Map(left.entries.map((entry) => [textOf(entry), entry]));
    const came = new Map(there.map((one) => [claimOf(one), one]));
    for await (const item of readLedger(files, directory, name.segment)) {
      if (item.kind !== "entry") continue;
      missing.delete(textOf(item.entry));
      const begun = came.get(claimOf(item.entry));
      // Taken in before, or somebody sent it again after the kill.
      if (begun !== undefined && item.entry.time.getTime() >= begun.time.getTime())
        came.delete(claimOf(begun));
    }
    return [...missing.values(), ...came.values()];
  });
  await files.remove(join(directory, name.file));
  const said = left.damaged.map((line) => `${join(directory, name.file)}:${line}: this is no entry`);
  return [...notices, ...said];
}

/** Throws `refused` or `limit` for what no process of the ledger's owner has written. */
async function readLeft(files: TakeInPorts["files"], directory: string, file: string) {
  const status = await files.statusOfLink(join(directory, file));
  const owner = (await files.statusOfLink(directory))?.uid;
  if (status?.kind !== "file") throw new NixsealError("refused", "it is not a regular file");
  if (status.uid !== owner) throw new NixsealError("refused", `it belongs to uid ${status.uid}`);
  if (status.size > largest) throw new NixsealError("limit", `it has ${status.size} bytes`);
  const entries: LedgerEntry[] = [];
  const begun = new Map<string, LedgerEntry>();
  const damaged: number[] = [];
  let number = 0;
  for await (const { bytes, whole } of splitLines(files.streamInside(directory, file), ledgerLimits.line)) {
    number += 1;
    // Who was killed while writing a line had not gone on by it.
    if (!whole) break;
    if (bytes?.length === 0) continue; // ends a line that the disk had no room to begin
    const line = bytes === null ? null : parseLine(bytes);
    if (line === null) damaged.push(number);
    else if (line.kind === "begun") begun.set(claimOf(line.entry), line.entry);
    else {
      entries.push(line.entry);
      begun.delete(claimOf(line.entry));
    }
  }
  return { entries, begun, damaged };
}

function parseLine(bytes: Uint8Array): { readonly kind: WriteAheadLine; readonly entry: LedgerEntry } | null {
  try {
    const field = Field.parse(utf8Text(bytes, "the line"), "line");
    return field.has("begun")
      ? { kind: "begun", entry: readEntry(field.get("begun")) }
      : { kind: "entry", entry: readEntry(field.get("entry")) };
  } catch (error) {
    if (error instanceof NixsealError && error.code !== "bug") return null;
    throw error;
  }
}

/** What of an entry tells it from others. */
export function claimOf({ path, narHash }: Pick<LedgerEntry, "path" | "narHash">): string {
  return `${path} ${typedNix32(narHash)}`;
}

function textOf(entry: LedgerEntry): string {
  return canonicalJson(entryJson(entry));
}
