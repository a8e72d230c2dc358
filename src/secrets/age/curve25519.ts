/** X25519 (RFC 7748) on node:crypto. */
import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from "node:crypto";
import { NixsealError } from "../../core/errors.ts";

/**
 * Imported as JWK: 32 µs, where DER takes 350. Only `d` counts; Node wants an `x` beside it and does not read it.
 * Never export such a key: in Node 20 an export as JWK followed by `diffieHellman` can hang for good. The public
 * half comes from `publicOf` instead.
 */
export function privateKey(scalar: Uint8Array): KeyObject {
  return createPrivateKey({
    key: { kty: "OKP", crv: "X25519", d: base64url(scalar), x: zeros },
    format: "jwk",
  });
}

export function publicKey(u: Uint8Array): KeyObject {
  return createPublicKey({ key: { kty: "OKP", crv: "X25519", x: base64url(u) }, format: "jwk" });
}

/** The shared secret. `malformed` for a point of low order, which would give zero whatever the scalar is (RFC 7748 section 6.1). */
export function scalarMult(scalar: KeyObject, point: KeyObject): Uint8Array {
  try {
    return diffieHellman({ privateKey: scalar, publicKey: point });
  } catch (cause) {
    throw new NixsealError("malformed", "X25519 share is a point of low order", { cause });
  }
}

/** The public half: the scalar times the base point, u = 9. */
export function publicOf(scalar: KeyObject): Uint8Array {
  return scalarMult(scalar, basePoint);
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64url");
}

const zeros = base64url(new Uint8Array(32));
const basePoint = publicKey(Uint8Array.from({ length: 32 }, (_, index) => (index === 0 ? 9 : 0)));
