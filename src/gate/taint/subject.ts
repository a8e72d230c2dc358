/** Whose doings are asked about. */
import { utf8Text } from "../../core/bytes.ts";
import { at, NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import { parsePublicKeyLine } from "../../ssh/public-key-line.ts";
import type { Actor, Origin } from "../ledger/origin.ts";

export type Subject =
  | { readonly kind: "key"; readonly fingerprint: string }
  | { readonly kind: "serial"; readonly serial: bigint }
  /** A member, or the name of a binary cache's key. */
  | { readonly kind: "name"; readonly name: string };

const largest = 64 << 10;

/**
 * `SHA256:…`, a public key's line or its file, a certificate's serial number, the name of a member or of a cache's key
 * (`cache.example.org-1`, or the whole key).
 */
export async function parseSubject(files: Pick<Files, "read" | "status">, text: string): Promise<Subject> {
  if (/^SHA256:[A-Za-z0-9+/]{43}$/.test(text)) return { kind: "key", fingerprint: text };
  if (/^(?:0|[1-9][0-9]{0,19})$/.test(text)) return { kind: "serial", serial: BigInt(text) };
  if (/^[a-z0-9@.-]+ AAAA/.test(text)) return keyOf(text);
  const cacheKey = /^([^/:]+):[A-Za-z0-9+/]{43}=$/.exec(text);
  if (cacheKey === null && (text.includes("/") || text.endsWith(".pub")))
    try {
      return keyOf(utf8Text(await files.read(text, { limit: largest }), "the key"));
    } catch (error) {
      throw at(error, { file: text });
    }
  const name = cacheKey?.[1] ?? text;
  // A fingerprint that was cut short must not pass as a name that nobody has: "nothing found" would be a lie.
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/.test(name))
    throw new NixsealError("usage", "this names neither a key nor a member", {
      hint: "give SHA256:…, a .pub file, the serial number of a certificate, or a name",
    });
  return { kind: "name", name };
}

/** Who of those that let the path in, or sent it, is meant. Who only sent it brought it all the same. */
export function broughtBy(subject: Subject, origin: Origin): string | null {
  if (origin.kind === "upstream" && subject.kind === "name" && origin.signature.name === subject.name)
    return `signed by the cache's key ${subject.name}`;
  const signer = origin.kind === "warrant" ? origin.signers.find((one) => isMeant(subject, one)) : undefined;
  if (signer !== undefined) return `in a warrant that ${signer.member} signed`;
  const uploader = "uploader" in origin ? origin.uploader : null;
  return uploader !== null && isMeant(subject, uploader) ? `sent by ${uploader.member}` : null;
}

/** Members and keys of caches that had to do with it. */
export function namesIn(origin: Origin): string[] {
  const names = "uploader" in origin && origin.uploader !== null ? [origin.uploader.member] : [];
  if (origin.kind === "upstream") return [...names, origin.signature.name];
  return origin.kind === "warrant" ? [...names, ...origin.signers.map(({ member }) => member)] : names;
}

function isMeant(subject: Subject, { member, key, serial }: Actor): boolean {
  switch (subject.kind) {
    case "key":
      return key === subject.fingerprint;
    case "serial":
      return serial === subject.serial;
    case "name":
      return member === subject.name;
    default:
      return subject satisfies never;
  }
}

function keyOf(text: string): Subject {
  const line = text.split("\n").find((one) => one.trim() !== "" && !one.startsWith("#")) ?? "";
  return { kind: "key", fingerprint: parsePublicKeyLine(line.trim()).key.fingerprint };
}
