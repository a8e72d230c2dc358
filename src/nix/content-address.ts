import { NixsealError } from "../core/errors.ts";
import { formatHash, isHashAlgorithm, parseDigest, sha256, typedNix32, type Hash } from "./hash.ts";
import { byPath, defaultStoreDirectory, makeStorePath, type StorePath } from "./store-path.ts";

/**
 * How content became a hash: `text` (one file, with references; `builtins.toFile` and derivations), `flat`
 * (one file as it is), `nar` (the NAR of a tree). Nix's `git` is experimental and not read.
 */
export type ContentAddressMethod = "text" | "flat" | "nar";

export interface ContentAddress {
  readonly method: ContentAddressMethod;
  readonly hash: Hash;
}

export interface References {
  /** Without the path itself; order and repetition do not matter. */
  readonly others: readonly StorePath[];
  /** Whether the content holds its own path. */
  readonly self: boolean;
}

const prefixes: Readonly<Record<ContentAddressMethod, string>> = {
  text: "text:",
  flat: "fixed:",
  nar: "fixed:r:",
};

/** `text:sha256:…`, `fixed:sha256:…` or `fixed:r:sha256:…`. Throws `malformed`. */
export function parseContentAddress(text: string): ContentAddress {
  const match = /^(text|fixed:r|fixed):([a-z0-9]+):(.*)$/s.exec(text);
  const algorithm = match?.[2] ?? "";
  if (match === null || !isHashAlgorithm(algorithm))
    throw new NixsealError("malformed", `${JSON.stringify(text.slice(0, 200))} is not a content address`, {
      hint: "it is text:sha256:<digest>, fixed:sha256:<digest> or fixed:r:sha256:<digest>",
    });
  const method = match[1] === "text" ? "text" : match[1] === "fixed" ? "flat" : "nar";
  // '=' tells base64 from the others at every digest size; Nix never writes it here.
  if (match[3]!.endsWith("="))
    throw new NixsealError("malformed", "the digest of a content address is in nix32 or hex, not in base64");
  return { method, hash: parseDigest(algorithm, match[3]!) };
}

/** With the digest in nix32, as Nix writes it. */
export function formatContentAddress(address: ContentAddress): string {
  return prefixes[address.method] + typedNix32(address.hash);
}

/**
 * The path of content that is known by its address. Throws `malformed` for what no store path can come from:
 * hashes other than SHA-256 (the others can be forged, or are not decided on here), text that refers to
 * itself, and a flat file with references.
 */
export function contentAddressedPath(
  name: string,
  address: ContentAddress,
  references: References = { others: [], self: false },
  storeDirectory: string = defaultStoreDirectory,
): StorePath {
  if (address.hash.algorithm !== "sha256")
    throw new NixsealError("malformed", `a content address with ${address.hash.algorithm} is not accepted`, {
      hint: "only sha256 is",
    });
  if (address.method === "text") {
    if (references.self) throw new NixsealError("malformed", "a text content address cannot refer to itself");
    return makeStorePath(typeWith("text", references), address.hash, name, storeDirectory);
  }
  if (address.method === "nar")
    return makeStorePath(typeWith("source", references), address.hash, name, storeDirectory);
  if (references.self || references.others.length > 0)
    throw new NixsealError("malformed", "a flat content address cannot have references");
  return fixedOutputPath(name, address, storeDirectory);
}

/**
 * The path of a fixed output, of any algorithm: what a derivation with `outputHash` promises. To be compared
 * with what a derivation says; no proof of content by itself when the hash is weak.
 */
export function fixedOutputPath(
  name: string,
  address: ContentAddress,
  storeDirectory: string = defaultStoreDirectory,
): StorePath {
  const { method, hash } = address;
  if (method === "text") return makeStorePath("text", hash, name, storeDirectory);
  if (method === "nar" && hash.algorithm === "sha256")
    return makeStorePath("source", hash, name, storeDirectory);
  const inner = `fixed:out:${method === "nar" ? "r:" : ""}${hash.algorithm}:${formatHash(hash, "base16")}:`;
  return makeStorePath("output:out", sha256(inner), name, storeDirectory);
}

function typeWith(type: string, references: References): string {
  const others = [...new Set(references.others)].sort(byPath);
  return [type, ...others, ...(references.self ? ["self"] : [])].join(":");
}
