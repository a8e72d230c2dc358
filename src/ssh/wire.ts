/** The data types of SSH, RFC 4251 section 5, read strictly: one value has one spelling. */
import { concat, utf8, utf8Text } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";

/** Larger than any honest field of keys, certificates and signatures; messages and lists bring bounds of their own. */
const defaultLimit = 1 << 18;

/**
 * Reads fields one after another. Every fault is `malformed` (or `limit`) and says at which byte; `what` names
 * the input in messages. Returned bytes are views of the input, not copies.
 */
export class WireReader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  readonly #base: number;
  #offset = 0;

  /** `base` is the offset of `bytes` in what the person gave, for messages. */
  constructor(bytes: Uint8Array, what: string, base = 0) {
    this.#bytes = bytes;
    this.#what = what;
    this.#base = base;
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  /** How many bytes have been read. */
  get offset(): number {
    return this.#offset;
  }

  u8(): number {
    return this.take(1)[0]!;
  }

  u32(): number {
    return view(this.take(4)).getUint32(0);
  }

  u64(): bigint {
    return view(this.take(8)).getBigUint64(0);
  }

  /** Exactly `length` bytes with no length in front. */
  take(length: number): Uint8Array {
    if (length > this.remaining) throw this.#malformed("ends early");
    this.#offset += length;
    const { buffer, byteOffset } = this.#bytes; // a plain Uint8Array also where the input is a Buffer
    return new Uint8Array(buffer, byteOffset + this.#offset - length, length);
  }

  string(limit: number = defaultLimit): Uint8Array {
    const length = this.u32();
    if (length > this.remaining) throw this.#malformed("has a field that is longer than what is left");
    if (length > limit) {
      throw new NixsealError("limit", `${this.#what} has a field of ${length} bytes, more than ${limit}`, {
        where: { offset: this.#base + this.#offset },
      });
    }
    return this.take(length);
  }

  /** A string that is UTF-8 without NUL: C code that reads the same bytes would see a shorter name. */
  text(limit?: number): string {
    const text = utf8Text(this.string(limit), `a text in ${this.#what}`);
    if (text.includes("\0")) throw this.#malformed("has a NUL character in a text");
    return text;
  }

  /** A comment: it decides nothing, and people have old ones in other encodings, so broken UTF-8 is replaced. */
  comment(): string {
    return Buffer.from(this.string()).toString("utf8");
  }

  /** The magnitude of a number above zero, big-endian without leading zeros. */
  mpint(limit?: number): Uint8Array {
    const bytes = this.string(limit);
    if (bytes.length === 0 || bytes[0]! >= 0x80) throw this.#malformed("has a number that is not positive");
    if (bytes[0] !== 0) return bytes;
    // "Unnecessary leading bytes with the value 0 or 255 MUST NOT be included": OpenSSH lets them pass, and
    // the same key would then have many blobs and fingerprints.
    if (bytes.length === 1 || bytes[1]! < 0x80) throw this.#malformed("has a number with needless zeros");
    return bytes.subarray(1);
  }

  /** A reader for a string that itself holds fields. */
  nested(what: string, limit?: number): WireReader {
    const bytes = this.string(limit);
    return new WireReader(bytes, what, this.#base + this.#offset - bytes.length);
  }

  /** Everything that is left. */
  rest(): Uint8Array {
    return this.take(this.remaining);
  }

  /** Refuses trailing bytes: what no parser looks at can be changed without breaking anything. */
  end(): void {
    if (this.remaining > 0) throw this.#malformed(`has ${this.remaining} bytes too many`);
  }

  #malformed(fault: string): NixsealError {
    return new NixsealError("malformed", `${this.#what} ${fault}`, {
      where: { offset: this.#base + this.#offset },
    });
  }
}

export function u8(value: number): Uint8Array {
  return Uint8Array.of(value);
}

export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  view(bytes).setUint32(0, value);
  return bytes;
}

export function u64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  view(bytes).setBigUint64(0, value);
  return bytes;
}

export function string(value: Uint8Array | string): Uint8Array {
  const bytes = typeof value === "string" ? utf8(value) : value;
  return concat(u32(bytes.length), bytes);
}

/** From a big-endian magnitude; leading zeros are dropped, one is added where the top bit would mean a sign. */
export function mpint(magnitude: Uint8Array): Uint8Array {
  const start = magnitude.findIndex((byte) => byte !== 0);
  const digits = start === -1 ? new Uint8Array() : magnitude.subarray(start);
  return string((digits[0] ?? 0) >= 0x80 ? concat(u8(0), digits) : digits);
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
