/** What is remembered of a unit, one small file each: why it is held, or that somebody let it run all the same. */
import { utf8, utf8Text } from "../core/bytes.ts";
import { canonicalJson, type Json } from "../core/canonical-json.ts";
import { NixsealError, at } from "../core/errors.ts";
import type { Files } from "../core/file-ports.ts";
import { list, object, oneOf, text, type Check } from "../core/shape.ts";
import { isUnitName, unitNameCheck } from "./unit-name.ts";

export interface Held {
  readonly version: 1;
  readonly unit: string;
  readonly since: string;
  readonly because: string;
  readonly advisories: readonly string[];
  /** Sockets, timers and paths that are held with it. */
  readonly startedBy: readonly string[];
  /** Units that systemd stopped along with it. They are not held, and are started with it again. */
  readonly alongWith: readonly string[];
  /** What it ran when it was stopped. */
  readonly runs: readonly string[];
  /** What its command lines named then: while they name the same, it would run the same again. */
  readonly commands: readonly string[];
}

export interface Allowed {
  readonly version: 1;
  readonly unit: string;
  readonly since: string;
  readonly advisories: readonly string[];
}

const most = { paths: 20_000, advisories: 1000, bytes: 8 << 20, files: 1000 } as const;
const line = text((value) => value.length <= 4096, "a line of text");

const heldShape: Check<Held> = object({
  version: oneOf(1),
  unit: unitNameCheck,
  since: line,
  because: line,
  advisories: list(line, most.advisories),
  startedBy: list(unitNameCheck, most.paths),
  alongWith: list(unitNameCheck, most.paths),
  runs: list(line, most.paths),
  commands: list(line, most.paths),
});

const allowedShape: Check<Allowed> = object({
  version: oneOf(1),
  unit: unitNameCheck,
  since: line,
  advisories: list(line, most.advisories),
});

type Look = Pick<Files, "list" | "read">;

export const readHeld = (files: Look, directory: string): Promise<Held[]> =>
  readAll(files, directory, heldShape);
export const readAllowed = (files: Look, directory: string): Promise<Allowed[]> =>
  readAll(files, directory, allowedShape);

/** What a held trigger's file says: its name is all that systemd looks at. */
export const markerOf = (unit: string): Uint8Array => utf8(`${unit}\n`);

export function formatRecord(record: Held | Allowed): Uint8Array {
  return utf8(`${canonicalJson(record as unknown as Json)}\n`);
}

/** Files that are no records are markers of triggers; a record that is damaged is an error, not nothing. */
async function readAll<T extends { readonly unit: string }>(
  files: Look,
  directory: string,
  shape: Check<T>,
): Promise<T[]> {
  const names = (await listed(files, directory)).filter(isUnitName);
  if (names.length > most.files)
    throw new NixsealError("limit", `more than ${most.files} files`, { where: { file: directory } });
  const records: T[] = [];
  for (const name of names.filter((one) => one.endsWith(".service"))) {
    const file = `${directory}/${name}`;
    try {
      const bytes = await files.read(file, { limit: most.bytes, follow: false });
      const record = shape(JSON.parse(utf8Text(bytes, "the record")), "$");
      if (record.unit !== name) throw new NixsealError("malformed", `it is about ${record.unit}`);
      records.push(record);
    } catch (error) {
      const damaged = error instanceof SyntaxError ? new NixsealError("malformed", "not JSON") : error;
      throw at(damaged, { file });
    }
  }
  return records;
}

/** Nothing where there is no directory. */
export async function listed(files: Pick<Files, "list">, directory: string): Promise<string[]> {
  try {
    return await files.list(directory);
  } catch (error) {
    if (error instanceof NixsealError && error.code === "not-found") return [];
    throw error;
  }
}
