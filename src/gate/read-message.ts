import { NixsealError } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";
import { Patience } from "../nix/protocol/patience.ts";
import { messageLimit } from "./message-limits.ts";

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
  const line = await lines.first();
  lines.requireAlone();
  lines.close(); // what would come after the line is nobody's to read
  return line;
}

/** Messages on a connection that may carry several: `import` and `upload`, each answered in its turn. */
export class MessageLines {
  readonly #pieces: AsyncIterator<Uint8Array>;
  readonly #clock: Pick<Clock, "sleep">;
  /** What came with the line before: at most one piece. */
  #held: Uint8Array = new Uint8Array(0);
  /** Of what `enclosed` gives: bytes before the next line that were not read yet. */
  #due = 0;

  constructor(stdin: AsyncIterable<Uint8Array>, clock: Pick<Clock, "sleep">) {
    this.#pieces = stdin[Symbol.asyncIterator]();
    this.#clock = clock;
  }

  /** The first line, which there must be. */
  async first(): Promise<Uint8Array> {
    const line = await this.next();
    if (line === null) throw unfinished();
    return line;
  }

  /** Throws `malformed` when something came with the first line: its answer decides what follows it, unless it says what does. */
  requireAlone(): void {
    if (this.#held.length > 0) throw new NixsealError("malformed", "more than one line was sent");
  }

  /**
   * So many bytes, which follow the line. Once, piece by piece as they come; what the caller leaves, `next` reads away, so that a message
   * that was refused does not put those after it out of step. Throws `malformed` for an end before theirs, `timeout`. `ended` is
   * called when whoever reads them will read no more.
   */
  enclosed(size: number, ended: () => void = () => undefined): AsyncIterable<Uint8Array> {
    this.#due = size;
    return this.#rest(ended);
  }

  async *#rest(ended: () => void): AsyncGenerator<Uint8Array, void, undefined> {
    const patience = new Patience(this.#clock, waits);
    try {
      while (this.#due > 0) {
        const piece = this.#held.length > 0 ? this.#held : await this.#piece(patience);
        if (piece === null)
          throw new NixsealError(
            "malformed",
            `the connection ends ${this.#due} bytes before the archive does`,
          );
        const bytes = piece.subarray(0, this.#due);
        this.#held = piece.subarray(bytes.length);
        this.#due -= bytes.length;
        yield bytes;
      }
    } finally {
      ended();
    }
  }

  /**
   * The next line, or null at the end. Errors as of `readMessageLine`. The sender's time for it begins when `free` is done, which never
   * rejects: until then it may be waiting for us.
   */
  async next(free: Promise<unknown> = Promise.resolve()): Promise<Uint8Array | null> {
    if (this.#due > 0) {
      const left = this.#rest(() => undefined);
      while ((await left.next()).done !== true);
    }
    const patience = new Patience(this.#clock, waits);
    let line = new Uint8Array(4096);
    let size = 0;
    for (;;) {
      const piece = this.#held.length > 0 ? this.#held : await this.#piece(patience, free);
      if (piece === null) {
        if (size === 0) return null;
        throw unfinished();
      }
      const end = piece.indexOf(0x0a);
      const value = end === -1 ? piece : piece.subarray(0, end + 1);
      this.#held = piece.subarray(value.length);
      if (size + value.length > messageLimit(line)) throw tooLong(messageLimit(line));
      if (size + value.length > line.length) {
        // Doubled, so that a sender of single bytes costs no more than one of large pieces.
        const larger = new Uint8Array(2 * (size + value.length));
        larger.set(line.subarray(0, size));
        line = larger;
      }
      line.set(value, size);
      size += value.length;
      if (end !== -1) return line.subarray(0, size);
    }
  }

  async #piece(patience: Patience, free?: Promise<unknown>): Promise<Uint8Array | null> {
    const piece = this.#pieces.next();
    if (free !== undefined) await Promise.race([piece, free]);
    const { done, value } = await patience.wait(piece);
    return done === true ? null : value;
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
