import { createCipheriv, createDecipheriv } from "node:crypto";
import { NixsealError } from "../../core/errors.ts";

/** Bytes of a file key, the random key that a file's recipients share. */
export const fileKeySize = 16;
const tagSize = 16;
/** Each wrapping key encrypts one file key and nothing else, so the specification fixes the nonce at zero. */
const zeroNonce = new Uint8Array(12);

/** The body of a stanza: ChaCha20-Poly1305 of the file key. */
export function sealFileKey(
  fileKey: Uint8Array,
  wrappingKey: Uint8Array,
  nonce: Uint8Array = zeroNonce,
): Uint8Array {
  const cipher = createCipheriv("chacha20-poly1305", wrappingKey, nonce, { authTagLength: tagSize });
  const body = new Uint8Array(fileKey.length + tagSize);
  body.set(cipher.update(fileKey));
  cipher.final();
  body.set(cipher.getAuthTag(), fileKey.length);
  return body;
}

/** Null when the key is not the one. `malformed` when the body is not as long as a sealed file key. */
export function openFileKey(
  body: Uint8Array,
  wrappingKey: Uint8Array,
  nonce: Uint8Array = zeroNonce,
): Uint8Array | null {
  // Checked before decrypting: with bodies of any length a file can be made that opens under several keys, and
  // an answer to "did it decrypt?" then tells which of them it was (the partitioning oracle attack).
  if (body.length !== fileKeySize + tagSize)
    throw new NixsealError("malformed", `stanza body has ${body.length} bytes, not ${fileKeySize + tagSize}`);
  const decipher = createDecipheriv("chacha20-poly1305", wrappingKey, nonce, { authTagLength: tagSize });
  decipher.setAuthTag(body.subarray(fileKeySize));
  const fileKey = decipher.update(body.subarray(0, fileKeySize));
  try {
    decipher.final();
  } catch {
    return null; // the tag does not fit: made for somebody else, or altered; the two cannot be told apart
  }
  return new Uint8Array(fileKey);
}
