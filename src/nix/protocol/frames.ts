import { NixsealError } from "../../core/errors.ts";
import { WireMessage } from "./wire-message.ts";
import type { ByteSource, WireReader } from "./wire-reader.ts";

/**
 * A body in frames (worker protocol since 1.23): each is its length and so many bytes, without padding; a
 * length of zero ends it. The frames' borders mean nothing.
 */
export class FrameSource implements ByteSource {
  readonly #reader: WireReader;
  #left = 0;
  #ended = false;

  constructor(reader: WireReader) {
    this.#reader = reader;
  }

  async next(): Promise<Uint8Array | null> {
    if (this.#ended) return null;
    if (this.#left === 0) {
      this.#left = await this.#reader.integer("the length of a frame");
      if (this.#left === 0) {
        this.#ended = true;
        return null;
      }
    }
    const bytes = await this.#reader.some(this.#left);
    if (bytes === null)
      throw new NixsealError("malformed", "the bytes end in the middle of a frame", {
        where: { offset: this.#reader.offset },
      });
    this.#left -= bytes.length;
    return bytes;
  }

  /** Reads to the end of the frames, for nothing. Throws `limit` after so many bytes. */
  async drain(limit: number): Promise<void> {
    let size = 0;
    for (let bytes = await this.next(); bytes !== null; bytes = await this.next()) {
      size += bytes.length;
      if (size > limit)
        throw new NixsealError("limit", `the client sent ${limit} bytes more after it was refused`);
    }
  }
}

/** What goes before the bytes of a frame; 0 ends the body. */
export function frameHeader(length: number): Uint8Array {
  return new WireMessage().integer(length).bytes;
}
