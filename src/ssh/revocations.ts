/** What is revoked, from a KRL or from a list of keys, and whether something is. */
import { createHash } from "node:crypto";
import type { Certificate } from "./certificate.ts";
import type { Fingerprint, PublicKey } from "./public-key.ts";

export interface Revocations {
  /** The KRL's number, which grows with every change; null for a plain list of keys. */
  readonly version: bigint | null;
  /** SHA-256 of revoked keys' blobs, however they were listed. */
  readonly keys: ReadonlySet<Fingerprint>;
  /** SHA-1 of revoked keys' blobs, in hex. */
  readonly sha1: ReadonlySet<string>;
  readonly certificates: readonly RevokedCertificates[];
}

/** Certificates of one CA, or of every CA where `caKey` is null. */
export interface RevokedCertificates {
  readonly caKey: Fingerprint | null;
  readonly serials: ReadonlySet<bigint>;
  /** Both ends belong to the range. */
  readonly ranges: readonly { readonly first: bigint; readonly last: bigint }[];
  /** Bit n of the big-endian number `bits` stands for serial `offset` + n. */
  readonly bitmaps: readonly { readonly offset: bigint; readonly bits: Uint8Array }[];
  readonly keyIds: ReadonlySet<string>;
}

/** What either revokes. The number is the first one's. */
export function joinRevocations(one: Revocations, other: Revocations): Revocations {
  return {
    version: one.version,
    keys: new Set([...one.keys, ...other.keys]),
    sha1: new Set([...one.sha1, ...other.sha1]),
    certificates: [...one.certificates, ...other.certificates],
  };
}

/** Why it is revoked, for people; null when it is not. A certificate falls with its key and with its CA's key. */
export function revocationOf(revocations: Revocations, subject: PublicKey | Certificate): string | null {
  if (subject.type !== "certificate") return isKeyRevoked(revocations, subject) ? "the key is revoked" : null;
  if (isKeyRevoked(revocations, subject.key)) return "the certified key is revoked";
  if (isKeyRevoked(revocations, subject.caKey)) return "the CA's key is revoked";
  for (const section of revocations.certificates) {
    if (section.caKey !== null && section.caKey !== subject.caKey.fingerprint) continue;
    if (section.keyIds.has(subject.keyId)) return "the certificate's key id is revoked";
    if (isSerialRevoked(section, subject.serial))
      return `the certificate's serial ${subject.serial} is revoked`;
  }
  return null;
}

function isKeyRevoked(revocations: Revocations, key: PublicKey): boolean {
  if (revocations.keys.has(key.fingerprint)) return true;
  return revocations.sha1.size > 0 && revocations.sha1.has(createHash("sha1").update(key.blob).digest("hex"));
}

function isSerialRevoked({ serials, ranges, bitmaps }: RevokedCertificates, serial: bigint): boolean {
  if (serials.has(serial)) return true;
  if (ranges.some(({ first, last }) => first <= serial && serial <= last)) return true;
  return bitmaps.some(({ offset, bits }) => {
    const n = serial - offset;
    if (n < 0n || n >= BigInt(bits.length) * 8n) return false;
    const index = Number(n);
    return ((bits[bits.length - 1 - (index >> 3)]! >> (index & 7)) & 1) === 1;
  });
}
