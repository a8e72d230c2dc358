/** What several of the gate's messages hold. */
import { fromBase64, utf8Text } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import { nullable, object, text, wrong, type Check } from "../core/shape.ts";
import type { Head } from "../trust/warrant/state.ts";
import { largestEnclosed } from "./message-limits.ts";

/**
 * A fencing token: the number of the sender's lease, which only rises. Whoever lost the lease has a smaller number than the host
 * has seen, and is refused. Null for a person who holds none.
 */
export type Fence = number | null;

const printable = (given: string): boolean => /^[\x20-\x7e\n]*$/.test(given);
/** Another format inside a string. */
export const carried = text(printable, "text");
export const digest = text((given) => /^[0-9a-f]{64}$/.test(given), "64 digits in hex");
export const flag: Check<boolean> = (value, path) => {
  if (typeof value !== "boolean") throw wrong(path, "true or false", value);
  return value;
};
export const count: Check<number> = (value, path) => {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw wrong(path, "a whole number", value);
};
/** The size of an archive that comes with its message. */
export const enclosed: Check<number> = (value, path) => {
  const size = count(value, path);
  if (size <= largestEnclosed) return size;
  throw new NixsealError("limit", `an archive of ${size} bytes does not come with its message`);
};
export const fence: Check<Fence> = nullable(count);

export const logHead = object<Head>({
  digest,
  seq: (value, path) => {
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 1) return value;
    throw wrong(path, "a whole number from 1", value);
  },
});

export function bytesOf(encoded: string): Uint8Array {
  const bytes = fromBase64(encoded);
  if (bytes === null) throw new NixsealError("malformed", "a part of the message is not base64");
  return bytes;
}

export function textOf(bytes: Uint8Array): string {
  return utf8Text(bytes, "the message");
}
