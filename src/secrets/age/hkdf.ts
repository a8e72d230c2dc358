/** HKDF with SHA-256, RFC 5869, for outputs of one block: 32 bytes. By HMAC, which takes half the time of `hkdfSync`. */
import { createHmac } from "node:crypto";
import { utf8 } from "../../core/bytes.ts";

/** A key of 32 bytes. An empty salt stands for 32 zeros, as the RFC says; HMAC pads it to the same. */
export function hkdf(secret: Uint8Array, salt: Uint8Array, info: string): Uint8Array {
  return expand(extract(salt, secret), utf8(info));
}

export function extract(salt: Uint8Array, secret: Uint8Array): Uint8Array {
  return createHmac("sha256", salt).update(secret).digest();
}

/** The first block of the output. */
export function expand(key: Uint8Array, info: Uint8Array): Uint8Array {
  return createHmac("sha256", key).update(info).update(first).digest();
}

const first = Uint8Array.of(1);
