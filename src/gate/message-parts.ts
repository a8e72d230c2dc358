/** What messages of several kinds are made of, and how large they may be. */
import { fromBase64, sameBytes, utf8, utf8Text } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import { text } from "../core/shape.ts";

/** Bytes of the line. Only an offer carries a closure, and only one kind carries values. */
export const messageLimits = { offer: 64 << 20, secrets: 48 << 20, other: 1 << 20 } as const;

/** How these begin, and no other message: which limit holds is known before the rest is read. */
const offerStart = utf8('{"between":');
const secretsStart = utf8('{"ciphertexts":');

/** How many bytes the message that begins so may have. */
export function messageLimit(start: Uint8Array): number {
  const begins = (word: Uint8Array): boolean => sameBytes(start.subarray(0, word.length), word);
  if (begins(offerStart)) return messageLimits.offer;
  return begins(secretsStart) ? messageLimits.secrets : messageLimits.other;
}

const printable = (given: string): boolean => /^[\x20-\x7e\n]*$/.test(given);
/** Another format inside a string. */
export const carried = text(printable, "text");

export function bytesOf(encoded: string): Uint8Array {
  const bytes = fromBase64(encoded);
  if (bytes === null) throw new NixsealError("malformed", "a part of the message is not base64");
  return bytes;
}

export function textOf(bytes: Uint8Array): string {
  return utf8Text(bytes, "the message");
}
