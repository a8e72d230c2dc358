/** Private keys from their numbers. Each is checked against its public half before anything uses it. */
import { createECDH, createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from "node:crypto";
import { concat, hex, sameBytes } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import type { SecretValue } from "../core/secret-value.ts";
import { curves, type Curve } from "./curves.ts";
import {
  ecdsaPublicKey,
  ed25519PublicKey,
  rsaPublicKey,
  type EcdsaPublicKey,
  type Ed25519PublicKey,
  type RsaPublicKey,
} from "./public-key.ts";

export interface Ed25519PrivateKey {
  readonly type: "ssh-ed25519";
  readonly publicKey: Ed25519PublicKey;
  readonly keyObject: KeyObject;
  /** The 32 bytes of RFC 8032 section 5.1.5, from which the key follows. */
  readonly seed: SecretValue;
  readonly comment: string;
}

export interface EcdsaPrivateKey {
  readonly type: EcdsaPublicKey["type"];
  readonly publicKey: EcdsaPublicKey;
  readonly keyObject: KeyObject;
  readonly comment: string;
}

export interface RsaPrivateKey {
  readonly type: "ssh-rsa";
  readonly publicKey: RsaPublicKey;
  readonly keyObject: KeyObject;
  readonly comment: string;
}

/** A key whose private half is at hand; a FIDO key's is not. */
export type PrivateKey = Ed25519PrivateKey | EcdsaPrivateKey | RsaPrivateKey;

/** Big-endian magnitudes without leading zeros, named as in RFC 8017 section 3.2. */
export interface RsaNumbers {
  readonly n: Uint8Array;
  readonly e: Uint8Array;
  readonly d: Uint8Array;
  readonly p: Uint8Array;
  readonly q: Uint8Array;
  readonly qInv: Uint8Array;
}

/** The whole key follows from its 32-byte seed. */
export function ed25519PrivateKey(seed: SecretValue, comment = ""): Ed25519PrivateKey {
  if (seed.reveal().length !== 32) throw new NixsealError("malformed", "an ed25519 seed has 32 bytes");
  // RFC 8410: PKCS #8 with the seed in a nested octet string. A JWK would want the public half first.
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed.reveal()]);
  const keyObject = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  der.fill(0);
  const spki = createPublicKey(keyObject).export({ format: "der", type: "spki" });
  const publicKey = ed25519PublicKey(new Uint8Array(spki.subarray(-32)));
  return { type: "ssh-ed25519", publicKey, keyObject, seed, comment };
}

/** From the secret scalar, big-endian; the point follows from it. */
export function ecdsaPrivateKey(curve: Curve, scalar: Uint8Array, comment = ""): EcdsaPrivateKey {
  const { jwk, openssl, size } = curves[curve];
  const pair = createECDH(openssl);
  try {
    pair.setPrivateKey(scalar);
  } catch (cause) {
    throw new NixsealError("malformed", `private key is outside the range of ${curve}`, { cause });
  }
  const publicKey = ecdsaPublicKey(curve, new Uint8Array(pair.getPublicKey()));
  const d = Buffer.alloc(size);
  d.set(scalar, size - scalar.length);
  const [x, y] = [publicKey.point.subarray(1, 1 + size), publicKey.point.subarray(1 + size)];
  const keyObject = importJwk({ kty: "EC", crv: jwk, x: url(x), y: url(y), d: url(d) });
  return { type: publicKey.type, publicKey, keyObject, comment };
}

/**
 * Checks that the numbers belong together (RFC 8017 section 3.2): one signature by wrong CRT numbers gives
 * the factors of the modulus away.
 */
export function rsaPrivateKey(numbers: RsaNumbers, comment = ""): RsaPrivateKey {
  // Copies: the caller may wipe what it read the numbers from.
  const publicKey = rsaPublicKey(concat(numbers.e), concat(numbers.n));
  const n = integer(numbers.n);
  const d = integer(numbers.d);
  const p = integer(numbers.p);
  const q = integer(numbers.q);
  if (p < 3n || q < 3n || p * q !== n) throw mismatch("RSA");
  const inverse = (integer(numbers.qInv) * q) % p === 1n;
  const ed = integer(numbers.e) * d;
  if (!inverse || ed % (p - 1n) !== 1n || ed % (q - 1n) !== 1n) throw mismatch("RSA");
  const keyObject = importJwk({
    kty: "RSA",
    n: url(numbers.n),
    e: url(numbers.e),
    d: url(numbers.d),
    p: url(numbers.p),
    q: url(numbers.q),
    dp: url(magnitude(d % (p - 1n))),
    dq: url(magnitude(d % (q - 1n))),
    qi: url(numbers.qInv),
  });
  return { type: "ssh-rsa", publicKey, keyObject, comment };
}

/** The public half that a file states must be the one that the private half gives. */
export function requireSameKey(stated: Uint8Array, key: PrivateKey): void {
  // Signing with a foreign public half leaks an ed25519 key (the double public key attack).
  if (!sameBytes(stated, key.publicKey.blob)) throw mismatch(key.type);
}

function mismatch(type: string): NixsealError {
  return new NixsealError("malformed", `the parts of the ${type} private key do not belong together`);
}

function importJwk(key: JsonWebKey): KeyObject {
  try {
    return createPrivateKey({ key, format: "jwk" });
  } catch {
    // Without the cause: it may carry the key.
    throw new NixsealError("malformed", `not a valid ${key.kty} private key`);
  }
}

function integer(bytes: Uint8Array): bigint {
  return BigInt(`0x0${hex(bytes)}`);
}

function magnitude(value: bigint): Uint8Array {
  const digits = value.toString(16);
  return Buffer.from(digits.padStart(digits.length + (digits.length % 2), "0"), "hex");
}

function url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64url");
}
