/** Public keys as OpenSSH writes them: RFC 4253 section 6.6, RFC 5656, RFC 8709 and OpenSSH's PROTOCOL.u2f. */
import { createHash } from "node:crypto";
import { base64Unpadded, concat, hex } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import { didYouMean } from "../core/suggest.ts";
import { curves, type Curve } from "./curves.ts";
import { publicKeyObject } from "./key-object.ts";
import { WireReader, mpint, string } from "./wire.ts";

/** `SHA256:` and 43 characters, as `ssh-keygen -l` prints it. */
export type Fingerprint = string & { readonly __brand: "Fingerprint" };

interface Common {
  /** The wire encoding. Two keys are the same exactly when their blobs are. */
  readonly blob: Uint8Array;
  readonly fingerprint: Fingerprint;
}

export interface Ed25519PublicKey extends Common {
  readonly type: "ssh-ed25519";
  /** 32 bytes, RFC 8032. */
  readonly point: Uint8Array;
}

export interface EcdsaPublicKey extends Common {
  readonly type: `ecdsa-sha2-${Curve}`;
  readonly curve: Curve;
  /** Uncompressed: 4, x, y; known to lie on the curve. */
  readonly point: Uint8Array;
}

export interface RsaPublicKey extends Common {
  readonly type: "ssh-rsa";
  readonly exponent: Uint8Array;
  readonly modulus: Uint8Array;
  /** Size of the modulus. Parsing takes any size; verifying and encrypting want at least `minimumRsaBits`. */
  readonly bits: number;
}

/** A key that a FIDO authenticator holds; `application` is its relying party, usually `ssh:`. */
export interface SkEd25519PublicKey extends Common {
  readonly type: "sk-ssh-ed25519@openssh.com";
  readonly point: Uint8Array;
  readonly application: string;
}

export interface SkEcdsaPublicKey extends Common {
  readonly type: "sk-ecdsa-sha2-nistp256@openssh.com";
  readonly curve: "nistp256";
  readonly point: Uint8Array;
  readonly application: string;
}

export type PublicKey =
  | Ed25519PublicKey
  | EcdsaPublicKey
  | RsaPublicKey
  | SkEd25519PublicKey
  | SkEcdsaPublicKey;
/** What a key is made of: the part that its blob and fingerprint follow from. */
export type KeyFields = PublicKey extends infer K
  ? K extends Common
    ? Omit<K, keyof Common>
    : never
  : never;
export type KeyType = PublicKey["type"];

export const minimumRsaBits = 2048;
const maximumRsaBits = 16384; // as OpenSSH; larger ones only burn time
const maximumBlob = 8192;

export const keyTypes: readonly KeyType[] = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "ssh-rsa",
  "sk-ssh-ed25519@openssh.com",
  "sk-ecdsa-sha2-nistp256@openssh.com",
];

/** `refused` for a key type that is not known (certificates are not keys), `malformed` for a broken blob. */
export function parsePublicKey(blob: Uint8Array): PublicKey {
  if (blob.length > maximumBlob) throw new NixsealError("limit", `public key has ${blob.length} bytes`);
  const reader = new WireReader(blob, "public key");
  const type = requireKeyType(reader.text());
  const key = readKeyFields(type, reader);
  reader.end();
  return key;
}

/** The fields of a key without its type, which certificates hold in the same order. Does not check for an end. */
export function readKeyFields(type: KeyType, reader: WireReader): PublicKey {
  switch (type) {
    case "ssh-ed25519":
      return withBlob({ type, point: readEd25519(reader) });
    case "sk-ssh-ed25519@openssh.com":
      return withBlob({ type, point: readEd25519(reader), application: reader.text() });
    case "sk-ecdsa-sha2-nistp256@openssh.com":
      return withBlob({ type, ...readPoint("nistp256", reader), application: reader.text() });
    case "ssh-rsa":
      return rsaPublicKey(reader.mpint(), reader.mpint());
    case "ecdsa-sha2-nistp256":
      return withBlob({ type, ...readPoint("nistp256", reader) });
    case "ecdsa-sha2-nistp384":
      return withBlob({ type, ...readPoint("nistp384", reader) });
    case "ecdsa-sha2-nistp521":
      return withBlob({ type, ...readPoint("nistp521", reader) });
    default:
      return type satisfies never;
  }
}

/** From the 32 bytes of RFC 8032. */
export function ed25519PublicKey(point: Uint8Array): Ed25519PublicKey {
  return withBlob({ type: "ssh-ed25519", point });
}

/** From an uncompressed point; `malformed` when it is not on the curve. */
export function ecdsaPublicKey(curve: Curve, point: Uint8Array): EcdsaPublicKey {
  const key = { type: `ecdsa-sha2-${curve}`, curve, point } as const;
  publicKeyObject(key);
  return withBlob(key);
}

/** From big-endian magnitudes without leading zeros. */
export function rsaPublicKey(exponent: Uint8Array, modulus: Uint8Array): RsaPublicKey {
  const bits = modulus.length * 8 - Math.clz32(modulus[0]!) + 24;
  if (bits > maximumRsaBits) throw new NixsealError("limit", `RSA key has ${bits} bits`);
  // An even modulus or exponent, or exponent 1, is no RSA: with exponent 1 anyone can sign.
  const odd = modulus.at(-1)! % 2 === 1 && exponent.at(-1)! % 2 === 1;
  if (!odd || (exponent.length === 1 && exponent[0] === 1)) {
    throw new NixsealError("malformed", "RSA key has an impossible modulus or exponent");
  }
  return withBlob({ type: "ssh-rsa", exponent, modulus, bits });
}

export function fingerprintOf(blob: Uint8Array): Fingerprint {
  return `SHA256:${base64Unpadded(createHash("sha256").update(blob).digest())}` as Fingerprint;
}

/**
 * What the private half follows from, in hex. One holder has it under several fingerprints: the same RSA modulus with
 * another exponent, the same point as that of a token. Where people are counted, count this.
 */
export function materialOf(key: PublicKey): string {
  return hex(key.type === "ssh-rsa" ? key.modulus : key.point);
}

/** Narrowing with a helpful refusal; unknown algorithms are refused by name. */
export function requireKeyType(type: string): KeyType {
  const known = keyTypes.find((name) => name === type);
  if (known !== undefined) return known;
  const isCertificate = type.endsWith("-cert-v01@openssh.com");
  throw new NixsealError("refused", `key type '${type.slice(0, 64)}' is not accepted`, {
    hint: isCertificate ? "this is a certificate; give the plain public key" : didYouMean(type, keyTypes),
  });
}

function withBlob<const F extends KeyFields>(fields: F): F & Common {
  const blob = concat(string(fields.type), ...encodeFields(fields));
  return { ...fields, blob, fingerprint: fingerprintOf(blob) };
}

function encodeFields(key: KeyFields): Uint8Array[] {
  switch (key.type) {
    case "ssh-ed25519":
      return [string(key.point)];
    case "sk-ssh-ed25519@openssh.com":
      return [string(key.point), string(key.application)];
    case "sk-ecdsa-sha2-nistp256@openssh.com":
      return [string(key.curve), string(key.point), string(key.application)];
    case "ssh-rsa":
      return [mpint(key.exponent), mpint(key.modulus)];
    case "ecdsa-sha2-nistp256":
    case "ecdsa-sha2-nistp384":
    case "ecdsa-sha2-nistp521":
      return [string(key.curve), string(key.point)];
    default:
      return key satisfies never;
  }
}

function readEd25519(reader: WireReader): Uint8Array {
  const point = reader.string();
  if (point.length !== 32)
    throw new NixsealError("malformed", `ed25519 key has ${point.length} bytes, not 32`);
  return point;
}

function readPoint<const C extends Curve>(curve: C, reader: WireReader): { curve: C; point: Uint8Array } {
  const name = reader.text();
  if (name !== curve) throw new NixsealError("malformed", `ecdsa key of ${curve} says curve '${name}'`);
  const point = reader.string();
  if (point.length !== 1 + 2 * curves[curve].size || point[0] !== 4) {
    throw new NixsealError("malformed", `ecdsa key of ${curve} is not an uncompressed point`);
  }
  // Refuses a point off the curve. An sk key is the same point, held elsewhere.
  publicKeyObject({ type: `ecdsa-sha2-${curve}`, curve, point });
  return { curve, point };
}
