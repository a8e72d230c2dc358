import type { Streams } from "../../core/ports.ts";
import type { BytePort } from "../../nix/protocol/port.ts";

/** The client's side of the connection, which several readers take in turn, and which can be given up. */
export class ClientPort implements BytePort {
  readonly #pieces: AsyncIterator<Uint8Array>;
  readonly #streams: Pick<Streams, "stdout">;
  #held: Uint8Array | null = null;

  constructor(streams: Pick<Streams, "stdin" | "stdout">) {
    this.#pieces = streams.stdin({ reuse: true })[Symbol.asyncIterator]();
    this.#streams = streams;
  }

  /** The bytes are the caller's until the next ones are asked for. */
  async read(): Promise<Uint8Array | null> {
    const held = this.#held;
    this.#held = null;
    if (held !== null) return held;
    const piece = await this.#pieces.next();
    return piece.done === true ? null : piece.value;
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#streams.stdout(bytes);
  }

  /** What was read too far is read again. */
  putBack(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#held = bytes;
  }

  /** All that comes, for readers of a stream. Ending early leaves the rest unread. */
  async *stream(): AsyncGenerator<Uint8Array, void, undefined> {
    for (let piece = await this.read(); piece !== null; piece = await this.read()) yield piece;
  }

  /** Nothing more is read: a client that keeps its side open must not keep us. */
  async close(): Promise<void> {
    await this.#pieces.return?.();
  }
}
