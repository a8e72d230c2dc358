import { NixsealError } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";
import { Patience } from "../nix/protocol/patience.ts";
import { messageLimit } from "./message-parts.ts";

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
  const lines = new MessageLines(stdin, clock);
  const line = await lines.only();
  lines.close(); // what would come after the line is nobody's to read
  return line;
}

/** Messages on a connection that may carry several. A sender waits for the answer to one before it sends the next. */
export class MessageLines {
  readonly #pieces: AsyncIterator<Uint8Array>;
  readonly #clock: Pick<Clock, "sleep">;

  constructor(stdin: AsyncIterable<Uint8Array>, clock: Pick<Clock, "sleep">) {
    this.#pieces = stdin[Symbol.asyncIterator]();
    this.#clock = clock;
  }

  /** The next line, which there must be. */
  async only(): Promise<Uint8Array> {
    const line = await this.next();
    if (line === null) throw unfinished();
    return line;
  }

  /** The next line, or null at the end. Errors as of `readMessageLine`. */
  async next(): Promise<Uint8Array | null> {
    const patience = new Patience(this.#clock, waits);
    let line = new Uint8Array(4096);
    let size = 0;
    for (;;) {
      const { done, value } = await patience.wait(this.#pieces.next());
      if (done === true) {
        if (size === 0) return null;
        throw unfinished();
      }
      if (size + value.length > messageLimit(line)) throw tooLong(messageLimit(line));
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
      return line.subarray(0, size);
    }
  }

  close(): void {
    void this.#pieces.return?.();
  }
}

function unfinished(): NixsealError {
  return new NixsealError("malformed", "the message ends before its line does");
}

function tooLong(limit: number): NixsealError {
  return new NixsealError("limit", `the message has more than ${limit} bytes`);
}
