/**
 * Nix's own base 32 ("nix32"): an alphabet without e, o, u and t, the last digit first and no padding. It is
 * not RFC 4648. See `src/libutil/base-nix-32.cc` of Nix and "Nix32" in the glossary of its manual.
 */
const alphabet = "0123456789abcdfghijklmnpqrsvwxyz";
const values = new Map(Array.from(alphabet, (digit, value) => [digit, value]));

/** The number of digits that so many bytes take. */
export function nix32Length(bytes: number): number {
  return Math.ceil((bytes * 8) / 5);
}

export function nix32(bytes: Uint8Array): string {
  let text = "";
  for (let n = nix32Length(bytes.length) - 1; n >= 0; n--) {
    const bit = n * 5;
    const at = bit >> 3;
    const shift = bit & 7;
    text += alphabet[((bytes[at]! >> shift) | ((bytes[at + 1] ?? 0) << (8 - shift))) & 31];
  }
  return text;
}

/**
 * The bytes, or null when the text is not what `nix32` writes for them: a digit outside the alphabet, a
 * length that no number of bytes gives, or set bits beyond the last byte. Two spellings of one hash would be
 * a malleability.
 */
export function fromNix32(text: string): Uint8Array | null {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8));
  if (nix32Length(bytes.length) !== text.length) return null;
  for (let n = 0; n < text.length; n++) {
    const digit = values.get(text[text.length - 1 - n]!);
    if (digit === undefined) return null;
    const bit = n * 5;
    const at = bit >> 3;
    const shifted = digit << (bit & 7);
    bytes[at] = bytes[at]! | (shifted & 255);
    const beyond = shifted >> 8;
    if (at + 1 < bytes.length) bytes[at + 1] = beyond;
    else if (beyond !== 0) return null;
  }
  return bytes;
}
