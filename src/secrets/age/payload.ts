/** The payload: STREAM (age v1 specification, "Payload"), ChaCha20-Poly1305 in chunks of 64 KiB. */
import { createCipheriv, createDecipheriv } from "node:crypto";
import { NixsealError } from "../../core/errors.ts";
import { hkdf } from "./hkdf.ts";

export const payloadNonceSize = 16;
/** Bytes of plaintext in a chunk; only the last one may have less. */
export const chunkSize = 64 << 10;
export const tagSize = 16;
export const sealedChunkSize = chunkSize + tagSize;

/** Encrypts or decrypts the chunks of one payload, in their order. */
export class PayloadCipher {
  readonly #key: Uint8Array;
  /** 11 bytes of counter, big-endian, then 1 for the last chunk: no chunk can be moved, dropped or taken for the end. */
  readonly #nonce = Buffer.alloc(12);
  #counter = 0;

  constructor(fileKey: Uint8Array, nonce: Uint8Array) {
    this.#key = hkdf(fileKey, nonce, "payload");
  }

  seal(plaintext: Uint8Array, last: boolean): Uint8Array[] {
    const cipher = createCipheriv("chacha20-poly1305", this.#key, this.#nonceOf(this.#counter++, last), {
      authTagLength: tagSize,
    });
    const sealed = cipher.update(plaintext);
    cipher.final();
    return [sealed, cipher.getAuthTag()];
  }

  /**
   * `last`: whether the file ends with this chunk. `malformed` for a chunk that was altered. A chunk that is
   * whole but says the contrary of `last` comes with the fault, for streams that let out each chunk that holds.
   */
  open(sealed: Uint8Array, last: boolean): OpenedChunk {
    const number = this.#counter++;
    const size = sealed.length - tagSize;
    if (size < 0) throw broken(number, "it is cut short");
    // One spelling a plaintext: an empty chunk is there only to say that the whole is empty.
    if (size === 0 && number > 0) throw broken(number, "it is an empty last chunk");
    const plaintext = this.#tryOpen(sealed, number, last);
    if (plaintext !== null) return { plaintext, fault: undefined };
    const full = sealed.length === sealedChunkSize; // a shorter one can only be the last
    const whole = full ? this.#tryOpen(sealed, number, !last) : null;
    if (whole === null) throw broken(number, "it was altered or cut short");
    return {
      plaintext: whole,
      fault: broken(number, last ? "more should follow it" : "something follows the last one"),
    };
  }

  #tryOpen(sealed: Uint8Array, number: number, last: boolean): Uint8Array | null {
    const size = sealed.length - tagSize;
    const nonce = this.#nonceOf(number, last);
    const decipher = createDecipheriv("chacha20-poly1305", this.#key, nonce, { authTagLength: tagSize });
    decipher.setAuthTag(sealed.subarray(size));
    const opened = decipher.update(sealed.subarray(0, size));
    const plaintext = new Uint8Array(opened.buffer, opened.byteOffset, opened.length);
    try {
      decipher.final();
      return plaintext;
    } catch {
      plaintext.fill(0); // not known to be what was encrypted: nobody may see it
      return null;
    }
  }

  #nonceOf(number: number, last: boolean): Uint8Array {
    this.#nonce.writeUIntBE(number, 5, 6); // 2^48 chunks are 2^64 bytes
    this.#nonce[11] = last ? 1 : 0;
    return this.#nonce;
  }
}

export interface OpenedChunk {
  readonly plaintext: Uint8Array;
  readonly fault: NixsealError | undefined;
}

function broken(chunk: number, fault: string): NixsealError {
  return new NixsealError("malformed", `payload is malformed in chunk ${chunk}: ${fault}`, {
    hint: "take the file from a copy that is known to be good",
  });
}
