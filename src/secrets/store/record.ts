import { createHash } from "node:crypto";
import { basename } from "node:path";
import { hex, utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { NamedRecipient } from "../../inventory/recipients.ts";

/**
 * What is known of a secret beside its ciphertext, in `secrets/NAME.json`: public, a file a secret so that git
 * merges two people's work, and written after the ciphertext. It holds no value and no hash of one.
 */
export interface SecretRecord {
  readonly version: 1;
  /** Rises by one with each new value. Encrypting the same value to other recipients does not move it. */
  readonly epoch: number;
  /** When this epoch's value was set, RFC 3339 in UTC. */
  readonly created: string;
  /** sha256 of the ciphertext file, hex: tells whether the recipients below are those of the file that is there. */
  readonly digest: string;
  /** Whom the file was encrypted to: `host:NAME` or `member:NAME`, and their recipients. */
  readonly recipients: Readonly<Record<string, readonly string[]>>;
}

export const recordLimit = 4 << 20;

export function digestOf(ciphertext: Uint8Array): string {
  return hex(createHash("sha256").update(ciphertext).digest());
}

export function recordOf(
  ciphertext: Uint8Array,
  recipients: readonly NamedRecipient[],
  value: { readonly epoch: number; readonly created: string },
): SecretRecord {
  const byName: Record<string, string[]> = {};
  for (const { name, recipient } of recipients) (byName[name] ??= []).push(recipient);
  return {
    version: 1,
    epoch: value.epoch,
    created: value.created,
    digest: digestOf(ciphertext),
    recipients: byName,
  };
}

/** Indented, a recipient a line, names sorted: what git merges best. */
export function formatRecord(record: SecretRecord): string {
  const recipients = Object.fromEntries(
    Object.entries(record.recipients).sort(([a], [b]) => (a < b ? -1 : 1)),
  );
  const { version, epoch, created, digest } = record;
  return `${JSON.stringify({ version, epoch, created, digest, recipients }, null, 2)}\n`;
}

/** Strict in what it takes; error `malformed` with the field that is wrong. */
export function parseRecord(bytes: Uint8Array, file: string): SecretRecord {
  const fail = (problem: string): never => {
    throw new NixsealError("malformed", problem, {
      where: { file },
      hint: `take it and the .age file from one commit, or remove it and run \`nixseal secrets rekey --all ${basename(file, ".json")}\`: its epoch begins at 1 then`,
    });
  };
  const value = parseJson(utf8Text(bytes, "the record"), fail);
  if (!isObject(value)) return fail("the record is not an object");
  const { version, epoch, created, digest, recipients, ...rest } = value;
  if (version !== 1) return fail(`version ${JSON.stringify(version)} is not known, only 1 is`);
  for (const key of Object.keys(rest)) return fail(`unknown field '${key}'`);
  if (typeof epoch !== "number" || !Number.isSafeInteger(epoch) || epoch < 1)
    return fail("epoch is not a whole number from 1");
  if (
    typeof created !== "string" ||
    !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(created) ||
    Number.isNaN(Date.parse(created))
  )
    return fail("created is not a time like 2026-01-31T12:00:00Z");
  if (typeof digest !== "string" || !/^[0-9a-f]{64}$/.test(digest))
    return fail("digest is not a sha256 in hex");
  if (!isObject(recipients)) return fail("recipients is not an object");
  for (const [name, list] of Object.entries(recipients))
    if (!Array.isArray(list) || !list.every((item) => typeof item === "string"))
      return fail(`recipients of '${name}' are not a list of text`);
  return { version, epoch, created, digest, recipients: recipients as SecretRecord["recipients"] };
}

function parseJson(text: string, fail: (problem: string) => never): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return fail("the record is not JSON (a merge conflict?)");
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
