import { NixsealError } from "./errors.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Strict: invalid UTF-8 is an error (`malformed`), not a replacement character. `what` names the input. */
export function utf8Text(bytes: Uint8Array, what: string): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new NixsealError("malformed", `${what} is not UTF-8`, { cause });
  }
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** Not in constant time: for public bytes only. Secrets are compared with `timingSafeEqual`. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

/** RFC 4648 section 4 without padding, as age writes it. */
export function base64Unpadded(bytes: Uint8Array): string {
  const text = base64(bytes);
  return text.slice(0, text.length - ((3 - (bytes.length % 3)) % 3));
}

/**
 * RFC 4648, strictly: padding as demanded, no white space, no stray bits in the last character.
 * Node's decoder accepts all of these, and two spellings of one value are a malleability.
 * Returns null when the text is not canonical.
 */
export function fromBase64(text: string, padding: "padded" | "unpadded" = "padded"): Uint8Array | null {
  const bytes = Buffer.from(text, "base64");
  const canonical = padding === "padded" ? base64(bytes) : base64Unpadded(bytes);
  return canonical === text ? new Uint8Array(bytes) : null;
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}
