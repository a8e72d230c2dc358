import { utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";

/** Where bytes come from: a connection, or the frames in one. */
export interface ByteSource {
  /** Bytes as they come, null at the end. */
  next(): Promise<Uint8Array | null>;
}

const pieceSize = 64 << 10;

/**
 * Reads the integers and strings of both protocols from bytes that come in pieces of any size. Holds one piece
 * and at most one string. Errors: `malformed` for what is not canonical or is cut off, `limit` for what is
 * larger than the caller allows; both with the offset in the connection.
 */
export class WireReader {
  readonly #source: ByteSource;
  #held: Uint8Array = new Uint8Array(0);
  #ended = false;
  #offset = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Bytes that have come already and were not read. */
  get waiting(): number {
    return this.#held.length;
  }

  get offset(): number {
    return this.#offset;
  }

  /** Whether nothing follows. Waits for the next byte or the end. */
  async atEnd(): Promise<boolean> {
    return !(await this.#fill());
  }

  /** One to `limit` bytes as they are, at most 64 KiB at a time; null at the end. The memory is that of the piece. */
  async some(limit: number): Promise<Uint8Array | null> {
    if (!(await this.#fill())) return null;
    const bytes = this.#held.subarray(0, Math.min(limit, pieceSize));
    this.#advance(bytes.length);
    return bytes;
  }

  /** An unsigned integer that is exact as a number (under 2^53). */
  async integer(what: string): Promise<number> {
    const start = this.#offset;
    const bytes = await this.#take(8, what);
    const value = Buffer.from(bytes.buffer, bytes.byteOffset, 8).readBigUInt64LE();
    if (value > BigInt(Number.MAX_SAFE_INTEGER))
      throw this.#fault("limit", `${what} is ${value}, which is over the limit`, start);
    return Number(value);
  }

  /** A number of things that follow. */
  async count(limit: number, what: string): Promise<number> {
    const start = this.#offset;
    const value = await this.integer(`the number of ${what}`);
    if (value > limit) throw this.#fault("limit", `${value} ${what}: at most ${limit} are accepted`, start);
    return value;
  }

  /** 0 or 1: Nix takes anything else for true but never writes it. */
  async boolean(what: string): Promise<boolean> {
    const start = this.#offset;
    const value = await this.integer(what);
    if (value > 1) throw this.#fault("malformed", `${what} is ${value}, not 0 or 1`, start);
    return value === 1;
  }

  /** A string of at most `limit` bytes, which must be UTF-8 and padded with zeros. */
  async string(limit: number, what: string): Promise<string> {
    const start = this.#offset;
    const length = await this.integer(`the length of ${what}`);
    if (length > limit)
      throw this.#fault("limit", `${what} has ${length} bytes: at most ${limit} are accepted`, start);
    const text = utf8Text(await this.#take(length, what), what);
    // Anything else than zeros would give one message two spellings.
    if ((await this.#take((8 - (length % 8)) % 8, what)).some((byte) => byte !== 0))
      throw this.#fault("malformed", `${what} is padded with something else than zeros`, start);
    return text;
  }

  async #take(length: number, what: string): Promise<Uint8Array> {
    if (this.#held.length >= length) {
      const bytes = this.#held.subarray(0, length);
      this.#advance(length);
      return bytes;
    }
    const taken = new Uint8Array(length);
    for (let filled = 0; filled < length;) {
      const piece = await this.some(length - filled);
      if (piece === null)
        throw this.#fault("malformed", `the bytes end in the middle of ${what}`, this.#offset);
      taken.set(piece, filled);
      filled += piece.length;
    }
    return taken;
  }

  async #fill(): Promise<boolean> {
    while (this.#held.length === 0 && !this.#ended) {
      const piece = await this.#source.next();
      if (piece === null) this.#ended = true;
      else this.#held = piece;
    }
    return this.#held.length > 0;
  }

  #advance(length: number): void {
    this.#held = this.#held.subarray(length);
    this.#offset += length;
  }

  #fault(code: "malformed" | "limit", message: string, offset: number): NixsealError {
    return new NixsealError(code, message, { where: { offset } });
  }
}
