/** How large the messages may be. */
import { sameBytes, utf8 } from "../core/bytes.ts";

/** Bytes of the line. Only an offer carries a closure, and only one kind carries values. */
export const messageLimits = { offer: 64 << 20, secrets: 48 << 20, other: 1 << 20 } as const;

/** Bytes of an archive that follows its message. The sender holds it in memory, and some more like it. */
export const largestEnclosed = 8 << 20;

/** Messages that are sent and not answered, where several may follow one another. */
export const mostAhead = 32;

/** How these begin, and no other message: which limit holds is known before the rest is read. */
const offerStart = utf8('{"between":');
const secretsStart = utf8('{"ciphertexts":');

/** How many bytes the message that begins so may have. */
export function messageLimit(start: Uint8Array): number {
  const begins = (word: Uint8Array): boolean => sameBytes(start.subarray(0, word.length), word);
  if (begins(offerStart)) return messageLimits.offer;
  return begins(secretsStart) ? messageLimits.secrets : messageLimits.other;
}
