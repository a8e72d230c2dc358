import { NixsealError } from "../core/errors.ts";
import { fromNix32, nix32 } from "./base32.ts";
import { sha256, type Hash } from "./hash.ts";

/** A whole store path, `/nix/store/<32 nix32 digits>-<name>`: validated, canonical, without anything below it. */
export type StorePath = string & { readonly __brand: "StorePath" };

/** Where stores are, unless somebody builds Nix for another place. The directory is part of every digest. */
export const defaultStoreDirectory = "/nix/store";

/**
 * For tools that show a file of any store: the directory is then what the path itself says. Whoever decides
 * on trust gives the directory.
 */
export const anyStore = "any";

const digestLength = 32;
const maxNameLength = 211;

/**
 * Nix's rules for the name part (`checkName` in `src/libstore/path.cc`): 1 to 211 characters of
 * `0-9a-zA-Z+-._?=`, and the part before the first dash is neither `.` nor `..`. Throws `malformed`.
 */
export function checkStorePathName(name: string): void {
  if (name === "") throw new NixsealError("malformed", "the name of a store path is empty");
  if (name.length > maxNameLength)
    throw new NixsealError(
      "malformed",
      `a store path's name has at most ${maxNameLength} characters, not ${name.length}`,
    );
  if (!/^[0-9a-zA-Z+\-._?=]+$/.test(name))
    throw new NixsealError(
      "malformed",
      `store path name ${JSON.stringify(name)} has a character that Nix does not allow`,
      {
        hint: "letters, digits and + - . _ ? = are allowed",
      },
    );
  if (/^\.\.?(?:-|$)/.test(name))
    throw new NixsealError("malformed", `'${name}' is not a valid store path name`);
}

/** `<digest>-<name>` under the store directory. Throws `malformed`. */
export function fromBaseName(baseName: string, storeDirectory: string = defaultStoreDirectory): StorePath {
  const digest = baseName.slice(0, digestLength);
  if (baseName[digestLength] !== "-" || fromNix32(digest) === null)
    throw new NixsealError("malformed", `${quote(baseName)} is not the name of a store path`, {
      hint: "it starts with 32 digits of nix32 and a dash",
    });
  checkStorePathName(baseName.slice(digestLength + 1));
  return `${storeDirectory}/${baseName}` as StorePath;
}

/**
 * A full path. Nothing is normalised: `//`, `/./`, `..` and a trailing slash are refused, so that two texts
 * that are equal are the same path and two that differ are not. Throws `malformed`.
 */
export function parseStorePath(text: string, storeDirectory: string = defaultStoreDirectory): StorePath {
  const slash = text.lastIndexOf("/");
  const directory = text.slice(0, Math.max(slash, 0));
  const right = storeDirectory === anyStore ? isStoreDirectory(directory) : directory === storeDirectory;
  if (!right)
    throw new NixsealError(
      "malformed",
      `${quote(text)} is not a path in ${storeDirectory === anyStore ? "a" : "the"} Nix store`,
      {
        hint: `a store path is ${storeDirectory === anyStore ? defaultStoreDirectory : storeDirectory}/<digest>-<name>`,
      },
    );
  return fromBaseName(text.slice(slash + 1), directory);
}

/** Whether the text can be a store directory: absolute and in canonical form. */
export function isStoreDirectory(text: string): boolean {
  // Without ':' and ';', which separate the fields of what is hashed and signed.
  return text.length < 1024 && /^(?:\/(?!\.\.?(?:\/|$))[^/\0\n:;,]+)+$/.test(text);
}

export function storeDirectoryOf(path: StorePath): string {
  return path.slice(0, path.lastIndexOf("/"));
}

export function baseNameOf(path: StorePath): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

export function nameOf(path: StorePath): string {
  return baseNameOf(path).slice(digestLength + 1);
}

/** The 32 digits by which binary caches know the path. */
export function digestOf(path: StorePath): string {
  return baseNameOf(path).slice(0, digestLength);
}

/** The order of Nix's sets of paths: bytewise. Store paths are ASCII, where code units compare as bytes do. */
export function byPath(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * The path that Nix computes ("Store path specification" of its manual): the SHA-256 of
 * `type:hash:directory:name`, folded to 160 bits. `type` is `source`, `text` or `output:<id>`, with
 * references where the kind has them.
 */
export function makeStorePath(
  type: string,
  hash: Hash,
  name: string,
  storeDirectory: string = defaultStoreDirectory,
): StorePath {
  checkStorePathName(name);
  const inner = `${hash.algorithm}:${Buffer.from(hash.digest).toString("hex")}`;
  const digest = fold(sha256(`${type}:${inner}:${storeDirectory}:${name}`).digest, 20);
  return fromBaseName(`${nix32(digest)}-${name}`, storeDirectory);
}

/** `compressHash` of Nix: byte i of the hash is XORed into byte i modulo the size. */
function fold(bytes: Uint8Array, size: number): Uint8Array {
  const folded = new Uint8Array(size);
  for (const [i, byte] of bytes.entries()) folded[i % size] = folded[i % size]! ^ byte;
  return folded;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 300 ? `${text.slice(0, 300)}…` : text);
}
