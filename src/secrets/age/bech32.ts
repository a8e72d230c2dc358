/** Bech32, BIP 173 without its limit of 90 characters, as the age v1 specification uses it. */
import { NixsealError } from "../../core/errors.ts";

const alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const generator = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
const checksumSize = 6;
const longest = 16 << 10;

export interface Bech32 {
  /** The human-readable part, lower-case. */
  readonly prefix: string;
  readonly data: Uint8Array;
}

/** `malformed` for a wrong checksum, mixed case, foreign characters or stray bits. The message never repeats the text: it may be a secret. */
export function decodeBech32(text: string): Bech32 {
  if (text.length > longest) throw new NixsealError("limit", `key has ${text.length} characters`);
  const lower = text.toLowerCase();
  if (text !== lower && text !== text.toUpperCase()) throw malformed("mixes upper and lower case");
  const separator = lower.lastIndexOf("1");
  if (separator < 1 || lower.length - separator - 1 < checksumSize) throw malformed("is cut short");
  const prefix = lower.slice(0, separator);
  if (!/^[\x21-\x7e]+$/.test(prefix)) throw malformed("has a character that cannot be in it");
  const words: number[] = [];
  for (const character of lower.slice(separator + 1)) {
    const word = alphabet.indexOf(character);
    if (word === -1) throw malformed("has a character that cannot be in it");
    words.push(word);
  }
  if (checksum([...expand(prefix), ...words]) !== 1) throw malformed("has a wrong checksum");
  return { prefix, data: toBytes(words.slice(0, -checksumSize)) };
}

/** Lower-case. */
export function encodeBech32(prefix: string, data: Uint8Array): string {
  const words = toWords(data);
  const rest = checksum([...expand(prefix), ...words, 0, 0, 0, 0, 0, 0]) ^ 1;
  for (let index = 0; index < checksumSize; index++)
    words.push((rest >>> (5 * (checksumSize - 1 - index))) & 31);
  return `${prefix}1${words.map((word) => alphabet[word]).join("")}`;
}

function expand(prefix: string): number[] {
  const codes = Array.from(prefix, (character) => character.charCodeAt(0));
  return [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)];
}

function checksum(values: readonly number[]): number {
  let sum = 1;
  for (const value of values) {
    const top = sum >>> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ value;
    for (const [bit, polynomial] of generator.entries()) if ((top >>> bit) & 1) sum ^= polynomial;
  }
  return sum >>> 0;
}

function toWords(data: Uint8Array): number[] {
  const words: number[] = [];
  let pending = 0;
  let bits = 0;
  for (const byte of data) {
    pending = ((pending << 8) | byte) & 0xfff;
    for (bits += 8; bits >= 5;) words.push((pending >> (bits -= 5)) & 31);
  }
  if (bits > 0) words.push((pending << (5 - bits)) & 31);
  return words;
}

/** BIP 173: what is left over is less than a word, and all zeros. */
function toBytes(words: readonly number[]): Uint8Array {
  const bytes: number[] = [];
  let pending = 0;
  let bits = 0;
  for (const word of words) {
    pending = ((pending << 5) | word) & 0xfff;
    bits += 5;
    if (bits >= 8) bytes.push((pending >> (bits -= 8)) & 0xff);
  }
  if (bits >= 5 || (pending & ((1 << bits) - 1)) !== 0) throw malformed("has stray bits at its end");
  return Uint8Array.from(bytes);
}

function malformed(fault: string): NixsealError {
  return new NixsealError("malformed", `key ${fault}`, { hint: "copy it again, whole" });
}
