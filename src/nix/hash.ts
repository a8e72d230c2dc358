import { createHash } from "node:crypto";

import { base64, fromBase64, hex } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import { fromNix32, nix32, nix32Length } from "./base32.ts";

/**
 * The algorithms that Nix knows without experimental features. MD5 and SHA-1 are read and written, never
 * relied on.
 */
export type HashAlgorithm = "md5" | "sha1" | "sha256" | "sha512";

export const digestSizes: Readonly<Record<HashAlgorithm, number>> = {
  md5: 16,
  sha1: 20,
  sha256: 32,
  sha512: 64,
};

/** `sri` carries its algorithm (`sha256-…=`); the others are the bare digest. */
export type HashFormat = "nix32" | "base16" | "base64" | "sri";

export interface Hash {
  readonly algorithm: HashAlgorithm;
  readonly digest: Uint8Array;
}

export function isHashAlgorithm(text: string): text is HashAlgorithm {
  return Object.hasOwn(digestSizes, text);
}

export function sha256(bytes: Uint8Array | string): Hash {
  return { algorithm: "sha256", digest: new Uint8Array(createHash("sha256").update(bytes).digest()) };
}

export function formatHash(hash: Hash, format: HashFormat): string {
  if (format === "nix32") return nix32(hash.digest);
  if (format === "base16") return hex(hash.digest);
  return (format === "sri" ? `${hash.algorithm}-` : "") + base64(hash.digest);
}

/** `sha256:<nix32>`, as fingerprints, content addresses and narinfo files have it. */
export function typedNix32(hash: Hash): string {
  return `${hash.algorithm}:${nix32(hash.digest)}`;
}

/**
 * SRI (`sha256-<base64>`) or `algorithm:digest` with a digest in nix32, lower-case hex or base64; which one
 * is told by the length, as in Nix. Throws `malformed` for everything else, also for spellings that Nix reads
 * but never writes (upper-case hex, missing padding, SRI options): the same hash must not have two names.
 */
export function parseHash(text: string): Hash {
  const separator = /[:-]/.exec(text);
  const algorithm = separator === null ? "" : text.slice(0, separator.index);
  if (separator === null || !isHashAlgorithm(algorithm))
    throw notAHash(text, "it must start with md5, sha1, sha256 or sha512 and '-' (SRI) or ':'");
  const digest = text.slice(separator.index + 1);
  if (separator[0] === ":") return parseDigest(algorithm, digest);
  const bytes = fromBase64(digest);
  if (bytes?.length !== digestSizes[algorithm])
    throw notAHash(text, "SRI is the padded base64 of the whole digest");
  return { algorithm, digest: bytes };
}

/** A bare digest in nix32, lower-case hex or base64. Throws `malformed` as `parseHash` does. */
export function parseDigest(algorithm: HashAlgorithm, text: string): Hash {
  const size = digestSizes[algorithm];
  const bytes =
    text.length === size * 2
      ? fromHex(text)
      : text.length === nix32Length(size)
        ? fromNix32(text)
        : fromBase64(text);
  if (bytes?.length !== size)
    throw notAHash(
      text,
      `a ${algorithm} digest has ${size * 2} hex or ${nix32Length(size)} nix32 digits, or is base64`,
    );
  return { algorithm, digest: bytes };
}

/** An SRI hash only, as the JSON formats of Nix write it. */
export function parseSri(text: string): Hash {
  if (!text.includes("-")) throw notAHash(text, "SRI looks like sha256-<base64>");
  return parseHash(text);
}

function fromHex(text: string): Uint8Array | null {
  return /^(?:[0-9a-f]{2})*$/.test(text) ? new Uint8Array(Buffer.from(text, "hex")) : null;
}

function notAHash(text: string, hint: string): NixsealError {
  return new NixsealError("malformed", `'${text.slice(0, 160)}' is not a hash in canonical form`, { hint });
}
