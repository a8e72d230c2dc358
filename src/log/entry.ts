import { createHash } from "node:crypto";
import { hex, utf8, utf8Text } from "../core/bytes.ts";
import { canonicalJson, type Json } from "../core/canonical-json.ts";
import { NixsealError } from "../core/errors.ts";
import { list, nullable, object, oneOf, text, wrong, type Check } from "../core/shape.ts";

/** Who did it. A name that nothing proves, unless `detail` holds a signature: the log says what was claimed. */
export interface Actor {
  readonly member: string | null;
  /** `USER@MACHINE` of the program that wrote the entry. */
  readonly machine: string;
}

/** What was decided or done. */
export interface Event {
  /** `deploy.apply`, `host.receipt`: a noun and a verb. */
  readonly what: string;
  readonly by: Actor;
  readonly hosts: readonly string[];
  /** Evidence: digests of warrants, receipts as the hosts signed them. Never a secret. */
  readonly detail: Json;
}

export interface LogEntry extends Event {
  readonly v: 1;
  /** From 1, without gaps. */
  readonly seq: number;
  readonly at: Date;
  /** `digestOf` of the line before; null for the first. This is the chain. */
  readonly prev: string | null;
}

/** Bytes of a line. A receipt has some KB. */
export const largestEntry = 64 << 10;
const mostHosts = 10_000;

/** SHA-256 in hex of an entry's line, without its line end. */
export function digestOf(line: string): string {
  return hex(createHash("sha256").update(line, "utf8").digest());
}

/** Canonical JSON, one line. `limit` when it is too large. */
export function formatEntry({ v, seq, at, prev, what, by, hosts, detail }: LogEntry): string {
  const line = canonicalJson({
    v,
    seq,
    at: at.toISOString(),
    prev,
    what,
    by: { member: by.member, machine: by.machine },
    hosts,
    detail,
  });
  if (utf8(line).length > largestEntry)
    throw new NixsealError("limit", `an entry of the log has at most ${largestEntry} bytes`);
  return line;
}

/** The inverse, byte for byte: a line with two spellings would have two digests. */
export function parseEntry(line: string): LogEntry {
  if (line.length > largestEntry)
    throw new NixsealError("limit", `an entry has at most ${largestEntry} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new NixsealError("malformed", "the entry is not JSON", { cause });
  }
  const { at, ...rest } = shape(value, "entry");
  const entry = { ...rest, at: new Date(at) };
  if (formatEntry(entry) !== line) throw new NixsealError("malformed", "the entry is not canonical JSON");
  return entry;
}

/** The lines of a segment; each ends with a line feed. */
export function linesOf(segment: Uint8Array): string[] {
  const all = utf8Text(segment, "segment of the log");
  if (all !== "" && !all.endsWith("\n"))
    throw new NixsealError("malformed", "the segment ends within a line");
  return all.split("\n").slice(0, -1);
}

// Control characters and marks of direction would let an entry look like another one on a terminal.
const plainText = (most: number): Check<string> =>
  text(
    (value) => value.length <= most && value.isWellFormed() && !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(value),
    `plain text of at most ${most} characters`,
  );

const shape = object<Omit<LogEntry, "at"> & { readonly at: string }>({
  v: oneOf(1),
  seq: (value, path) => {
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 1)
      throw wrong(path, "a whole number from 1", value);
    return value;
  },
  at: text((value) => !Number.isNaN(Date.parse(value)), "a time"),
  prev: nullable(text((value) => /^[0-9a-f]{64}$/.test(value), "a SHA-256 in hex")),
  what: text((value) => /^[a-z]{1,32}(\.[a-z-]{1,32})?$/.test(value), "words like deploy.apply"),
  by: object<Actor>({ member: nullable(plainText(64)), machine: plainText(200) }),
  hosts: list(plainText(64), mostHosts),
  detail: (value) => value as Json, // it came out of JSON.parse, and the line's size bounds it
});
