/** ASCII armor of one detached signature: RFC 9580 section 6.2, RFC 4880 section 6.1 for the checksum. */
import { fromBase64 } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";

export type NumberLengths = "exact" | "whole-bytes";

const begin = "-----BEGIN PGP SIGNATURE-----";
const end = "-----END PGP SIGNATURE-----";
/** Ed25519 and Ed448 of RFC 9580, in bytes. */
const fixedLengths: Readonly<Record<number, number>> = { 27: 64, 28: 114 };
const rsa = 1;
const maximumArmor = 64 << 10;
/** What GnuPG and Sequoia write, and what RFC 4880 allows at most. */
const lineWidths = [64, 76];

/**
 * The one signature packet inside. Armor headers, wrong checksums, odd line breaks, a second packet and bytes
 * around the block are refused: GnuPG ignores them, no key signs them, and each would give the commit another id.
 * `numbers`: `whole-bytes` takes RSA's number also with the length of all its bytes, as GitHub writes it.
 */
export function parseSignatureArmor(text: string, numbers: NumberLengths = "exact"): Uint8Array {
  if (text.length > maximumArmor)
    throw new NixsealError("limit", `the signature has ${text.length} characters`);
  const lines = text.split("\n");
  if (lines[0] !== begin || lines.at(-1) !== end) {
    throw malformed("begins or ends with something else than its armor");
  }
  if (lines[1] !== "") throw malformed("has armor headers, which nobody signs");
  const body = lines.slice(2, -1);
  const checksum = body.at(-1)?.startsWith("=") === true ? body.pop()!.slice(1) : null;
  const joined = body.join("");
  const wrapped = lineWidths.some((width) => body.every((line, i) => line === lineAt(joined, i, width)));
  const bytes = wrapped ? fromBase64(joined) : null;
  if (bytes === null || bytes.length === 0) throw malformed("has broken armor");
  if (checksum !== null && checksum !== crc24(bytes)) throw malformed("has a wrong checksum");
  requireOnePacket(bytes, numbers);
  return bytes;
}

function lineAt(text: string, index: number, width: number): string {
  return text.slice(index * width, (index + 1) * width);
}

/**
 * RFC 9580 section 4.2: a signature packet, its length in the shortest spelling, and nothing behind it. Of what the
 * key does not sign in it, only the name of the key is taken.
 */
function requireOnePacket(bytes: Uint8Array, numbers: NumberLengths): void {
  const tag = bytes[0]!;
  const newFormat = tag === 0xc2;
  if (!newFormat && (tag & 0xfc) !== 0x88) throw malformed("is not an OpenPGP signature packet");
  const length = newFormat ? newLength(bytes) : oldLength(bytes);
  if (length === null || length.header + length.body !== bytes.length) {
    throw malformed("has a length that is not that of one packet");
  }
  requireSignedParts(bytes.subarray(length.header), numbers);
}

/** RFC 9580 section 5.2.3: version, type, two algorithms, hashed area, unhashed area, start of the hash, salt, numbers. */
function requireSignedParts(body: Uint8Array, numbers: NumberLengths): void {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const [version = 0, , algorithm = 0] = body;
  const width = version === 6 ? 4 : 2;
  const area = (start: number): Uint8Array => {
    if (start + width > body.length) throw malformed("ends early");
    const length = width === 4 ? view.getUint32(start) : view.getUint16(start);
    if (start + width + length > body.length) throw malformed("ends early");
    return body.subarray(start + width, start + width + length);
  };
  const unhashed = area(4 + width + area(4).length);
  requireIssuerOnly(unhashed);
  const hashStart = unhashed.byteOffset - body.byteOffset + unhashed.length;
  const salt = version === 6 ? 1 + (body[hashStart + 2] ?? 0) : 0;
  requireNumbers(body.subarray(hashStart + 2 + salt), algorithm, numbers);
}

/** Section 3.2: a number's length counts its bits; readers that look at bytes only would take several lengths. */
function requireNumbers(rest: Uint8Array, algorithm: number, numbers: NumberLengths): void {
  const fixed = fixedLengths[algorithm];
  if (fixed !== undefined) {
    if (rest.length !== fixed) throw malformed("has a length that its algorithm does not have");
    return;
  }
  for (let offset = 0; offset < rest.length;) {
    const [high = 0, low = 0, first = 0] = rest.subarray(offset, offset + 3);
    const bits = (high << 8) + low;
    const length = Math.ceil(bits / 8);
    const isWhole = numbers === "whole-bytes" && algorithm === rsa && bits === length * 8;
    if (bits === 0 || ((length - 1) * 8 + 32 - Math.clz32(first) !== bits && !isWhole))
      throw malformed("has a number of another length than it says");
    offset += 2 + length;
    if (offset > rest.length) throw malformed("ends early");
  }
}

/** Subpackets 16 and 33, issuer key id and fingerprint: length, type and content, each at most once. */
function requireIssuerOnly(area: Uint8Array): void {
  const seen = new Set<number>();
  for (let offset = 0; offset < area.length;) {
    const [length = 0, type = 0, version = 0] = area.subarray(offset, offset + 3);
    const isKeyId = type === 16 && length === 9;
    const isFingerprint =
      type === 33 && ((version === 4 && length === 22) || (version === 6 && length === 34));
    if ((!isKeyId && !isFingerprint) || seen.has(type)) throw malformed("has parts that nobody signed");
    seen.add(type);
    offset += 1 + length;
    if (offset > area.length) throw malformed("ends early");
  }
}

interface PacketLength {
  readonly header: number;
  readonly body: number;
}

function newLength(bytes: Uint8Array): PacketLength | null {
  const [, a = 0, b = 0] = bytes;
  if (a < 192) return { header: 2, body: a };
  if (a < 224) return { header: 3, body: ((a - 192) << 8) + b + 192 };
  if (a < 255 || bytes.length < 6) return null; // partial lengths are for data, not for signatures
  const body = Buffer.from(bytes).readUInt32BE(2);
  return body > 8383 ? { header: 6, body } : null;
}

function oldLength(bytes: Uint8Array): PacketLength | null {
  const [tag = 0, a = 0, b = 0] = bytes;
  const kind = tag & 3;
  if (kind === 0) return { header: 2, body: a };
  if (kind === 1) return (a << 8) + b > 255 ? { header: 3, body: (a << 8) + b } : null;
  return null; // four bytes: more than fits in the armor that is taken; three: open ended
}

function crc24(bytes: Uint8Array): string {
  let crc = 0xb704ce;
  for (const byte of bytes) {
    crc ^= byte << 16;
    for (let i = 0; i < 8; i++) crc = (crc & 0x800000) === 0 ? crc << 1 : (crc << 1) ^ 0x1864cfb;
  }
  return Buffer.from([crc >> 16, crc >> 8, crc]).toString("base64");
}

function malformed(fault: string): NixsealError {
  return new NixsealError("malformed", `the OpenPGP signature ${fault}`);
}
