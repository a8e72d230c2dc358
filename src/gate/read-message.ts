import { sameBytes } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";
import { Patience } from "../nix/protocol/patience.ts";
import { messageLimits, offerStart } from "./message.ts";

/** Milliseconds: nobody keeps a process of root's waiting by sending slowly. */
const waits = { idle: 30_000, waiting: 300_000 } as const;

/**
 * The line that a message is, with its line end, as soon as it is there: the sender may keep its side open. Throws `limit` for a longer one
 * than its kind may be, `malformed` for an end before the line's, or for more than one line, `timeout`.
 */
export async function readMessageLine(
  stdin: AsyncIterable<Uint8Array>,
  clock: Pick<Clock, "sleep">,
): Promise<Uint8Array> {
  const patience = new Patience(clock, waits);
  const pieces = stdin[Symbol.asyncIterator]();
  let line = new Uint8Array(4096);
  let size = 0;
  for (;;) {
    const { done, value } = await patience.wait(pieces.next());
    if (done === true) throw new NixsealError("malformed", "the message ends before its line does");
    if (size + value.length > limitOf(line)) throw tooLong(limitOf(line));
    if (size + value.length > line.length) {
      // Doubled, so that a sender of single bytes costs no more than one of large pieces.
      const larger = new Uint8Array(2 * (size + value.length));
      larger.set(line.subarray(0, size));
      line = larger;
    }
    line.set(value, size);
    const end = line.subarray(size, size + value.length).indexOf(0x0a);
    size += value.length;
    if (end === -1) continue;
    if (end !== value.length - 1) throw new NixsealError("malformed", "more than one line was sent");
    void pieces.return?.(); // what would come after the line is nobody's to read
    return line.subarray(0, size);
  }
}

function limitOf(line: Uint8Array): number {
  const isOffer = sameBytes(line.subarray(0, offerStart.length), offerStart);
  return isOffer ? messageLimits.offer : messageLimits.other;
}

function tooLong(limit: number): NixsealError {
  return new NixsealError("limit", `the message has more than ${limit} bytes`);
}
