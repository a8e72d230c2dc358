/** X25519 (RFC 7748) on node:crypto. */
import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  type KeyExportOptions,
  type KeyObject,
} from "node:crypto";
import { NixsealError } from "../../core/errors.ts";
import type { X25519KeyPair } from "../../core/ports.ts";

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
    return new Uint8Array(diffieHellman({ privateKey: scalar, publicKey: point }));
  } catch (cause) {
    throw new NixsealError("malformed", "X25519 share is a point of low order", { cause });
  }
}

/** The public half: the scalar times the base point, u = 9. */
export function publicOf(scalar: KeyObject): Uint8Array {
  return scalarMult(scalar, basePoint);
}

/** The public half of a fresh pair. Newer versions of Node hand it out as it is; else it takes a multiplication. */
export function shareOf({ privateKey: scalar, publicKey: point }: X25519KeyPair): Uint8Array {
  return handsOutBytes ? bytesOf(point) : publicOf(scalar);
}

function bytesOf(point: KeyObject): Uint8Array {
  const raw: unknown = { format: "raw-public" }; // from Node 24 on; the types are those of Node 20
  return new Uint8Array(point.export(raw as KeyExportOptions<"der">));
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64url");
}

const zeros = base64url(new Uint8Array(32));
const basePoint = publicKey(Uint8Array.from({ length: 32 }, (_, index) => (index === 0 ? 9 : 0)));
const handsOutBytes = doesHandOutBytes();

function doesHandOutBytes(): boolean {
  try {
    return bytesOf(basePoint)[0] === 9;
  } catch {
    return false; // an older Node does not know the format
  }
}
