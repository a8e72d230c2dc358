import { NixsealError, at } from "../core/errors.ts";
import { parseContentAddress, type ContentAddress } from "./content-address.ts";
import { fingerprint, type Signed } from "./fingerprint.ts";
import { parseHash, type Hash } from "./hash.ts";
import { parseSignature, verifySignature, type PublicKey, type Signature } from "./signing-key.ts";
import {
  defaultStoreDirectory,
  fromBaseName,
  parseStorePath,
  storeDirectoryOf,
  type StorePath,
} from "./store-path.ts";

/** What a binary cache says about one store path. Only what `fingerprint` covers can be proved by a signature. */
export interface NarInfo extends Signed {
  /** Relative to the cache, or absolute; as it stands in the file and not to be trusted as a path. */
  readonly url: string;
  readonly compression: string;
  /** Of the file at `url`. */
  readonly fileHash: Hash | null;
  readonly fileSize: number | null;
  readonly deriver: StorePath | null;
  /** In the order of the file. */
  readonly signatures: readonly Signature[];
  readonly contentAddress: ContentAddress | null;
}

const known = [
  "StorePath",
  "URL",
  "Compression",
  "FileHash",
  "FileSize",
  "NarHash",
  "NarSize",
  "References",
  "Deriver",
  "CA",
];
const maxLength = 8 << 20;
const maxSignatures = 1000;

/**
 * Reads a `.narinfo` file ("Narinfo" in the protocols chapter of the manual of Nix). Stricter than Nix: every
 * field at most once but `Sig`, canonical hashes and numbers, `sha256` as the NAR hash, one space between
 * references, no control characters. Unknown fields are ignored. `storeDirectory` is where its paths must
 * lie, `anyStore` when it does not matter. Throws `malformed` with the line, `limit` when it is huge.
 */
export function parseNarInfo(text: string, storeDirectory: string = defaultStoreDirectory): NarInfo {
  if (text.length > maxLength)
    throw new NixsealError("limit", `a narinfo has at most ${maxLength} characters`);
  const fields = new Map<string, { value: string; line: number }>();
  const signatures: Signature[] = [];
  for (const { name, value, line } of lines(text)) {
    if (name === "Sig") {
      if (signatures.length === maxSignatures)
        throw new NixsealError("limit", `more than ${maxSignatures} signatures`, { where: { line } });
      signatures.push(onLine(line, () => parseSignature(value)));
    } else if (fields.has(name)) throw malformed(`${name} stands twice`, line);
    else fields.set(name, { value, line });
  }

  const optional = <T>(name: (typeof known)[number], parse: (value: string) => T): T | null => {
    const field = fields.get(name);
    return field === undefined ? null : onLine(field.line, () => parse(field.value));
  };
  const required = <T>(name: (typeof known)[number], parse: (value: string) => T): T => {
    const value = optional(name, parse);
    if (value === null) throw malformed(`${name} is missing`);
    return value;
  };
  const path = required("StorePath", (value) => parseStorePath(value, storeDirectory));
  const directory = storeDirectoryOf(path);
  return {
    path,
    url: required("URL", nonEmpty),
    compression: optional("Compression", nonEmpty) ?? "bzip2",
    fileHash: optional("FileHash", parseHash),
    fileSize: optional("FileSize", size),
    narHash: required("NarHash", sha256Only),
    narSize: required("NarSize", size),
    references: optional("References", (value) => references(value, directory)) ?? [],
    deriver: optional("Deriver", (value) =>
      value === "unknown-deriver" ? null : fromBaseName(value, directory),
    ),
    signatures,
    contentAddress: optional("CA", parseContentAddress),
  };
}

/** Each signature with whether one of the keys made it, in the order of the file. */
export function verifyNarInfo(
  info: Signed & { readonly signatures: readonly Signature[] },
  keys: readonly PublicKey[],
): { readonly name: string; readonly valid: boolean }[] {
  const message = fingerprint(info);
  return info.signatures.map((signature) => ({
    name: signature.name,
    valid: verifySignature(message, signature, keys),
  }));
}

function* lines(text: string): Generator<{ name: string; value: string; line: number }> {
  const all = text.split("\n");
  if (all.pop() !== "") throw malformed("the last line has no end", all.length + 1);
  for (const [index, content] of all.entries()) {
    const match = /^([A-Za-z][A-Za-z0-9-]*): ([^\p{Cc}]*)$/u.exec(content);
    if (match === null) throw malformed("expected 'Name: value'", index + 1);
    yield { name: match[1]!, value: match[2]!, line: index + 1 };
  }
}

function references(value: string, directory: string): StorePath[] {
  if (value === "") return [];
  const paths = value.split(" ").map((baseName) => fromBaseName(baseName, directory));
  if (new Set(paths).size !== paths.length) throw new NixsealError("malformed", "a reference stands twice");
  return paths;
}

function sha256Only(value: string): Hash {
  const hash = parseHash(value);
  if (hash.algorithm !== "sha256")
    throw new NixsealError("malformed", `NarHash is ${hash.algorithm}, which proves nothing`, {
      hint: "only sha256 is accepted",
    });
  return hash;
}

function size(value: string): number {
  const number = Number(value);
  if (!/^[1-9][0-9]*$/.test(value) || !Number.isSafeInteger(number))
    throw new NixsealError("malformed", `${JSON.stringify(value)} is not a size`);
  return number;
}

function nonEmpty(value: string): string {
  if (value === "") throw new NixsealError("malformed", "the value is empty");
  return value;
}

function onLine<T>(line: number, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw at(error, { line });
  }
}

function malformed(message: string, line?: number): NixsealError {
  return new NixsealError("malformed", message, line === undefined ? {} : { where: { line } });
}
