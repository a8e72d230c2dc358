/**
 * The gate's small state files: a body and its SHA-256. A disk that turns one bit must not turn `web` into `wec` and with it
 * everything that was accepted into nothing. It is no seal against root, who needs none.
 */
import { createHash } from "node:crypto";
import { concat, hex, sameBytes, utf8 } from "../core/bytes.ts";
import { at, NixsealError } from "../core/errors.ts";
import type { Files } from "../core/file-ports.ts";

const trailer = /^sha256 [0-9a-f]{64}\n$/;
const trailerLength = "sha256 ".length + 64 + 1;

/** The body, which ends with a line end, and the line `sha256 HEX`. */
export function formatChecked(body: Uint8Array): Uint8Array {
  return concat(body, utf8(`sha256 ${hex(createHash("sha256").update(body).digest())}\n`));
}

/** Whether there is a line at the end that only `formatChecked` writes, right or wrong. */
export function isChecked(bytes: Uint8Array): boolean {
  return Buffer.from(bytes).toString("latin1").trimEnd().split("\n").at(-1)!.startsWith("sha256 ");
}

/** The body. `malformed` for anything but what `formatChecked` gives. */
export function parseChecked(bytes: Uint8Array): Uint8Array {
  const body = bytes.subarray(0, Math.max(0, bytes.length - trailerLength));
  const last = Buffer.from(bytes.subarray(body.length)).toString("latin1");
  if (!trailer.test(last) || !sameBytes(formatChecked(body), bytes))
    throw new NixsealError("malformed", "the file is damaged: it does not have the digest at its end", {
      hint: "restore it from a backup; without it what was accepted before is not known, and nothing is decided",
    });
  return body;
}

/** What `parse` makes of the file's body; null when there is no file. Errors name the file. */
export async function readChecked<T>(
  files: Pick<Files, "read">,
  file: string,
  limit: number,
  parse: (body: Uint8Array) => T,
): Promise<T | null> {
  try {
    const bytes = await files.read(file, { limit: limit + trailerLength, follow: false });
    return parse(parseChecked(bytes));
  } catch (error) {
    if (error instanceof NixsealError && error.code === "not-found") return null;
    throw at(error, { file });
  }
}

/** Whole or not at all, on the disk when it returns; readable by all, since nothing in it is secret. */
export async function writeChecked(
  files: Pick<Files, "writeAtomic">,
  file: string,
  body: Uint8Array,
): Promise<void> {
  await files.writeAtomic(file, formatChecked(body), { mode: 0o644 });
}
