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

/** Bytes from which on copying them costs more than a second write. */
const largePiece = 64 << 10;

/**
 * Sends `body` in frames between other bytes, until its end or until `isRefused`. What is small is gathered: a path of some kilobytes,
 * with what goes before and after it, is one write, which wakes the other side once.
 */
export async function sendFrames(
  send: (bytes: Uint8Array) => Promise<void>,
  { before, body, after }: { before: Uint8Array; body: AsyncIterable<Uint8Array>; after: Uint8Array },
  isRefused: () => boolean,
): Promise<void> {
  let gathered = before;
  for await (const bytes of body) {
    if (isRefused()) break;
    if (bytes.length === 0) continue; // an empty frame would end the body
    const isLarge = bytes.length >= largePiece;
    // Copied before the next piece is asked for, whose memory may be the same.
    gathered = Buffer.concat([gathered, frameHeader(bytes.length), ...(isLarge ? [] : [bytes])]);
    if (gathered.length < largePiece && !isLarge) continue;
    await send(gathered);
    if (isLarge) await send(bytes);
    gathered = new Uint8Array(0);
  }
  await send(Buffer.concat([gathered, frameHeader(0), after]));
}

/** What goes before the bytes of a frame; 0 ends the body. */
function frameHeader(length: number): Uint8Array {
  return new WireMessage().integer(length).bytes;
}
