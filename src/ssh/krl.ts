/** Key revocation lists: OpenSSH's PROTOCOL.krl, format version 1. */
import { base64Unpadded, hex, sameBytes, utf8 } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import { fingerprintOf, parsePublicKey, type Fingerprint } from "./public-key.ts";
import type { Revocations, RevokedCertificates } from "./revocations.ts";
import { WireReader } from "./wire.ts";

export interface Krl extends Revocations {
  readonly version: bigint;
  /** Seconds since 1970. */
  readonly generated: bigint;
  readonly comment: string;
}

const magic = utf8("SSHKRL\n\0");
const maximumFile = 16 << 20;
const maximumBitmap = 2049; // bytes, as OpenSSH

export function isKrl(file: Uint8Array): boolean {
  return sameBytes(file.subarray(0, magic.length), magic);
}

/**
 * `malformed` for anything that is not exactly a KRL; `refused` for what changes the meaning of one and is not
 * understood (flags, critical extensions, signatures inside: OpenSSH since 9.4 refuses these too).
 */
export function parseKrl(file: Uint8Array): Krl {
  if (file.length > maximumFile) throw new NixsealError("limit", `KRL has ${file.length} bytes`);
  const reader = new WireReader(file, "KRL");
  if (!sameBytes(reader.take(magic.length), magic)) throw new NixsealError("malformed", "not a KRL");
  if (reader.u32() !== 1) throw new NixsealError("malformed", "KRL is not of format version 1");
  const version = reader.u64();
  const generated = reader.u64();
  if (reader.u64() !== 0n) throw new NixsealError("refused", "KRL has flags that are not understood");
  if (reader.string().length > 0) throw new NixsealError("malformed", "KRL uses its reserved field");
  const comment = reader.text();
  const keys = new Set<Fingerprint>();
  const sha1 = new Set<string>();
  const certificates: RevokedCertificates[] = [];

  while (reader.remaining > 0) {
    const type = reader.u8();
    if (type === 4) {
      throw new NixsealError("refused", "KRL has a signature inside, which nothing verifies", {
        hint: "sign the file with ssh-keygen -Y sign",
      });
    }
    const section = reader.nested("KRL section", maximumFile);
    switch (type) {
      case 1:
        certificates.push(readCertificates(section));
        break;
      case 2:
        for (const blob of readSome(section, readKeyBlob)) keys.add(fingerprintOf(blob));
        break;
      case 3:
        for (const hash of readHashes(section, 20)) sha1.add(hex(hash));
        break;
      case 5:
        for (const hash of readHashes(section, 32)) keys.add(`SHA256:${base64Unpadded(hash)}` as Fingerprint);
        break;
      case 255:
        readExtension(section);
        break;
      default:
        throw new NixsealError("refused", `KRL has a section of type ${type}, which is not understood`);
    }
  }
  return { version, generated, comment, keys, sha1, certificates };
}

function readCertificates(section: WireReader): RevokedCertificates {
  const caBlob = section.string();
  if (section.string().length > 0) throw new NixsealError("malformed", "KRL section uses its reserved field");
  const serials = new Set<bigint>();
  const ranges: { first: bigint; last: bigint }[] = [];
  const bitmaps: { offset: bigint; bits: Uint8Array }[] = [];
  const keyIds = new Set<string>();
  while (section.remaining > 0) {
    const type = section.u8();
    const part = section.nested("KRL certificate section", maximumFile);
    switch (type) {
      case 0x20:
        for (const serial of readSome(part, (list) => list.u64())) serials.add(requireSerial(serial));
        break;
      case 0x21:
        ranges.push(readRange(part));
        break;
      case 0x22:
        bitmaps.push(readBitmap(part));
        break;
      case 0x23:
        for (const keyId of readSome(part, (list) => list.text())) keyIds.add(keyId);
        break;
      case 0x39:
        readExtension(part);
        break;
      default:
        throw new NixsealError(
          "refused",
          `KRL has a certificate section of type ${type}, which is not understood`,
        );
    }
  }
  const caKey = caBlob.length === 0 ? null : parsePublicKey(caBlob).fingerprint;
  return { caKey, serials, ranges, bitmaps, keyIds };
}

function readRange(part: WireReader): { first: bigint; last: bigint } {
  const first = requireSerial(part.u64());
  const last = part.u64();
  part.end();
  if (last < first) throw new NixsealError("malformed", "KRL has a range that ends before it begins");
  return { first, last };
}

function readBitmap(part: WireReader): { offset: bigint; bits: Uint8Array } {
  const offset = part.u64();
  const bits = part.mpint(maximumBitmap);
  part.end();
  const highest = offset + BigInt(bits.length) * 8n - BigInt(Math.clz32(bits[0]!) - 24) - 1n;
  if (highest >= 1n << 64n) throw new NixsealError("malformed", "KRL has a bitmap that wraps around");
  if (offset === 0n && bits.at(-1)! % 2 === 1) requireSerial(0n);
  return { offset, bits };
}

/** Zero is what a CA writes that gives no serials: revoking it would revoke all of those, and stock tools refuse. */
function requireSerial(serial: bigint): bigint {
  if (serial === 0n) throw new NixsealError("malformed", "KRL revokes serial 0");
  return serial;
}

/** Kept as bytes: keys of types that we do not know can be revoked too. */
function readKeyBlob(list: WireReader): Uint8Array {
  const blob = list.string();
  // "Must be a raw key": nobody would find the certificate by it, though someone meant to revoke it.
  if (new WireReader(blob, "key of a KRL").text().endsWith("-cert-v01@openssh.com")) {
    throw new NixsealError("malformed", "KRL lists a certificate where a key belongs");
  }
  return blob;
}

function readHashes(section: WireReader, length: number): Uint8Array[] {
  const hashes = readSome(section, (list) => list.string());
  for (const [i, hash] of hashes.entries()) {
    if (hash.length !== length) throw new NixsealError("malformed", `KRL has a hash of ${hash.length} bytes`);
    // "Hashes in this section must appear in numeric order."
    if (i > 0 && Buffer.compare(hashes[i - 1]!, hash) >= 0) {
      throw new NixsealError("malformed", "KRL has hashes out of order");
    }
  }
  return hashes;
}

function readSome<T>(section: WireReader, read: (list: WireReader) => T): T[] {
  const items = [read(section)]; // "must contain at least one"
  while (section.remaining > 0) items.push(read(section));
  return items;
}

function readExtension(section: WireReader): void {
  const name = section.text();
  const critical = section.u8();
  section.string();
  section.end();
  if (critical > 1) throw new NixsealError("malformed", "KRL extension is neither critical nor not");
  if (critical === 1) {
    throw new NixsealError(
      "refused",
      `KRL has the critical extension '${name.slice(0, 64)}', which is not understood`,
    );
  }
}
