import { NixsealError } from "./errors.ts";

type Scalar = null | boolean | number | string;
export type Json = Scalar | readonly Json[] | { readonly [key: string]: Json };

/**
 * One spelling a value: keys sorted, no white space, integers only. This is what
 * `builtins.toJSON` of Nix writes for the same value, byte for byte (text without control characters), and a
 * subset of RFC 8785.
 * Throws `bug` for what they could spell or sort differently: fractions, unsafe integers, lone surrogates and keys
 * that are not ASCII (Nix sorts by UTF-8 bytes, the RFC by UTF-16 units).
 */
export function canonicalJson(value: Json): string {
  if (isScalar(value)) {
    checkScalar(value);
    return JSON.stringify(value);
  }
  if (isList(value)) {
    // Without objects there is nothing to sort, and the engine spells it many times faster: a warrant is such lists.
    if (holdsNoObject(value)) return JSON.stringify(value);
    return `[${value.map(canonicalJson).join(",")}]`;
  }
  const fields = Object.keys(value).sort();
  return `{${fields.map((key) => `${asciiKey(key)}:${canonicalJson(value[key]!)}`).join(",")}}`;
}

function holdsNoObject(list: readonly Json[]): boolean {
  return list.every((value) => {
    if (isScalar(value)) checkScalar(value);
    else if (!isList(value) || !holdsNoObject(value)) return false;
    return true;
  });
}

function checkScalar(value: Scalar): void {
  if (typeof value === "number" && !Number.isSafeInteger(value))
    throw new NixsealError("bug", "canonical JSON holds integers only");
  if (typeof value === "string" && !value.isWellFormed())
    throw new NixsealError("bug", "canonical JSON holds well-formed text only");
}

function isScalar(value: Json): value is Scalar {
  return value === null || ["boolean", "number", "string"].includes(typeof value);
}

function asciiKey(key: string): string {
  if (!/^[\x20-\x7e]*$/.test(key)) throw new NixsealError("bug", "canonical JSON has ASCII keys only");
  return JSON.stringify(key);
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
