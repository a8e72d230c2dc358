import { NixsealError } from "../../core/errors.ts";
import type { Conversation } from "../../core/ports.ts";

/** Reads what a child writes, piece by piece, with nothing kept but what is asked for. */
export class OutputReader {
  readonly #conversation: Conversation;
  #buffer: Buffer = Buffer.alloc(0);

  constructor(conversation: Conversation) {
    this.#conversation = conversation;
  }

  /** Up to a line feed, or another byte, which is taken too; bytes as Latin-1. */
  async line(end = 0x0a, limit = 1024): Promise<string> {
    for (;;) {
      const length = this.#buffer.indexOf(end);
      if (length > limit || (length === -1 && this.#buffer.length > limit))
        throw new NixsealError("tool", "git wrote an endless line");
      if (length !== -1) return this.#take(length + 1).toString("latin1", 0, length);
      await this.#more();
    }
  }

  /** The next byte, which stays. */
  async peek(): Promise<number> {
    if (this.#buffer.length === 0) await this.#more();
    return this.#buffer[0]!;
  }

  async exactly(length: number): Promise<Uint8Array> {
    while (this.#buffer.length < length) await this.#more();
    return this.#take(length);
  }

  async skip(length: number): Promise<void> {
    let left = length;
    while (left > this.#buffer.length) {
      left -= this.#buffer.length;
      this.#buffer = Buffer.alloc(0);
      await this.#more();
    }
    this.#take(left);
  }

  #take(length: number): Buffer {
    const taken = this.#buffer.subarray(0, length);
    this.#buffer = this.#buffer.subarray(length);
    return taken;
  }

  async #more(): Promise<void> {
    const piece = await this.#conversation.read();
    if (piece === null) throw new NixsealError("tool", "git ended early");
    this.#buffer = this.#buffer.length === 0 ? asBuffer(piece) : Buffer.concat([this.#buffer, piece]);
  }
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
