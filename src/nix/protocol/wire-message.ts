import { utf8 } from "../../core/bytes.ts";

/**
 * Builds what one side sends. Both protocols are made of two things ("Serialisation" in the protocols chapter
 * of the manual of Nix): integers of 64 bits, little-endian, and strings of a length, the bytes and zeros up to
 * a multiple of eight. A list is its length and its items.
 */
export class WireMessage {
  readonly #parts: Uint8Array[] = [];

  integer(value: number): this {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(value));
    this.#parts.push(bytes);
    return this;
  }

  boolean(value: boolean): this {
    return this.integer(value ? 1 : 0);
  }

  string(value: string): this {
    const bytes = utf8(value);
    this.integer(bytes.length);
    this.#parts.push(bytes, new Uint8Array((8 - (bytes.length % 8)) % 8));
    return this;
  }

  strings(values: readonly string[]): this {
    this.integer(values.length);
    for (const value of values) this.string(value);
    return this;
  }

  /** Bytes of another message, or of a string whose length was written before. */
  raw(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    return this;
  }

  get bytes(): Uint8Array {
    return Buffer.concat(this.#parts);
  }
}
