import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from "node:crypto";
import { base64, fromBase64, sameBytes } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import type { SecretValue } from "../core/secret-value.ts";

/** `name:base64`, as in `trusted-public-keys`: the 32 bytes of an Ed25519 key (RFC 8032) under a name. */
export interface PublicKey {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * `name:base64`, as in the `Sig` lines of a narinfo: the 64 bytes of an Ed25519 signature. The name is a
 * claim.
 */
export interface Signature {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A key of `nix-store --generate-binary-cache-key`. What it holds does not print. */
export interface SecretKey {
  readonly publicKey: PublicKey;
  sign(message: string): Signature;
}

/** Throws `malformed`. */
export function parsePublicKey(text: string): PublicKey {
  return named(text, 32, "a public key");
}

/** Throws `malformed`. */
export function parseSignature(text: string): Signature {
  return named(text, 64, "a signature");
}

export function formatNamed({ name, bytes }: PublicKey | Signature): string {
  return `${name}:${base64(bytes)}`;
}

/**
 * `name:base64` of the 64 bytes seed‖public key. Throws `malformed`, also when the two halves are not of one
 * key: signing with another public half gives away the seed.
 */
export function parseSecretKey(text: SecretValue): SecretKey {
  const { name, bytes } = named(
    Buffer.from(text.reveal()).toString("utf8").trimEnd(),
    64,
    "a secret key",
    true,
  );
  // PKCS #8 of an Ed25519 seed (RFC 8410): the prefix is constant.
  const key = createPrivateKey({
    key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), bytes.subarray(0, 32)]),
    format: "der",
    type: "pkcs8",
  });
  const publicBytes = Buffer.from(createPublicKey(key).export({ format: "jwk" }).x ?? "", "base64url");
  if (!sameBytes(publicBytes, bytes.subarray(32)))
    throw new NixsealError("malformed", "the two halves of the secret key do not belong together");
  bytes.fill(0);
  return {
    publicKey: { name, bytes: new Uint8Array(publicBytes) },
    sign: (message) => ({ name, bytes: new Uint8Array(sign(null, Buffer.from(message), key)) }),
  };
}

/** Whether one of the keys made the signature; only keys of the name that it claims are asked. */
export function verifySignature(message: string, signature: Signature, keys: readonly PublicKey[]): boolean {
  return keys.some(
    (key) =>
      key.name === signature.name &&
      verify(null, Buffer.from(message), publicKeyObject(key.bytes), signature.bytes),
  );
}

function publicKeyObject(bytes: Uint8Array): KeyObject {
  const x = Buffer.from(bytes).toString("base64url");
  return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
}

function named(
  text: string,
  size: number,
  what: string,
  secret = false,
): { name: string; bytes: Uint8Array } {
  const colon = text.indexOf(":");
  const name = text.slice(0, Math.max(colon, 0));
  const bytes = fromBase64(text.slice(colon + 1));
  if (/^[^\s\p{C}]{1,255}$/u.test(name) && bytes?.length === size) return { name, bytes };
  const shown = secret ? "" : `: ${JSON.stringify(text.slice(0, 160))}`;
  throw new NixsealError("malformed", `not ${what}${shown}`, {
    hint: `${what} is a name, a colon and ${size} bytes in base64`,
  });
}
