import { NixsealError } from "./errors.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * One spelling a value: keys sorted, no white space, integers only. This is what
 * `builtins.toJSON` of Nix writes for the same value, byte for byte (text without control characters), and a
 * subset of RFC 8785.
 * Throws `bug` for what they could spell or sort differently: fractions, unsafe integers, lone surrogates and keys
 * that are not ASCII (Nix sorts by UTF-8 bytes, the RFC by UTF-16 units).
 */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw new NixsealError("bug", "canonical JSON holds integers only");
    return String(value);
  }
  if (typeof value === "string") {
    if (!value.isWellFormed()) throw new NixsealError("bug", "canonical JSON holds well-formed text only");
    return JSON.stringify(value);
  }
  if (isList(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const fields = Object.keys(value).sort();
  return `{${fields.map((key) => `${asciiKey(key)}:${canonicalJson(value[key]!)}`).join(",")}}`;
}

function asciiKey(key: string): string {
  if (!/^[\x20-\x7e]*$/.test(key)) throw new NixsealError("bug", "canonical JSON has ASCII keys only");
  return JSON.stringify(key);
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
