import type { BytePort } from "../../src/nix/protocol/port.ts";

/** A clock on which nothing ever expires. */
export const patient = { sleep: () => new Promise<void>(() => undefined) };

/**
 * The other side as messages that were written down: gives each in pieces of a size, then the end; keeps the
 * answers.
 */
export class ScriptedPort implements BytePort {
  readonly #written: Uint8Array[] = [];
  readonly #pieces: Uint8Array[] = [];

  constructor(messages: readonly Uint8Array[], size = Infinity) {
    for (const bytes of messages)
      for (let at = 0; at < bytes.length; at += size) this.#pieces.push(bytes.subarray(at, at + size));
  }

  read(): Promise<Uint8Array | null> {
    return Promise.resolve(this.#pieces.shift() ?? null);
  }

  write(bytes: Uint8Array): Promise<void> {
    this.#written.push(Uint8Array.from(bytes));
    return Promise.resolve();
  }

  get written(): Buffer {
    return Buffer.concat(this.#written);
  }
}

/** One direction: pieces that wait to be read. A write resolves when the reader took it, as in a full pipe. */
class Pipe {
  readonly #waiting: { bytes: Uint8Array; taken: () => void }[] = [];
  #reader: ((bytes: Uint8Array | null) => void) | null = null;
  #ended = false;
  /** What went through, for writing down a conversation. */
  readonly seen: Uint8Array[] = [];

  write(bytes: Uint8Array): Promise<void> {
    this.seen.push(Uint8Array.from(bytes));
    if (this.#reader !== null) {
      this.#reader(bytes);
      this.#reader = null;
      return Promise.resolve();
    }
    return new Promise((taken) => this.#waiting.push({ bytes, taken }));
  }

  read(): Promise<Uint8Array | null> {
    const next = this.#waiting.shift();
    next?.taken();
    if (next !== undefined) return Promise.resolve(next.bytes);
    if (this.#ended) return Promise.resolve(null);
    return new Promise((resolve) => (this.#reader = resolve));
  }

  end(): void {
    this.#ended = true;
    this.#reader?.(null);
  }
}

/** Two ends of a connection. `said` is what the client wrote so far; `hangUp` ends the client's direction. */
export function connection(): {
  client: BytePort;
  server: BytePort;
  hangUp: () => void;
  said: () => Buffer;
} {
  const up = new Pipe();
  const down = new Pipe();
  return {
    client: { read: () => down.read(), write: (bytes) => up.write(bytes) },
    server: { read: () => up.read(), write: (bytes) => down.write(bytes) },
    hangUp: () => up.end(),
    said: () => Buffer.concat(up.seen),
  };
}
