import { parseContentAddress, type ContentAddress } from "./content-address.ts";
import type { Signed } from "./fingerprint.ts";
import { parseHash, parseSri } from "./hash.ts";
import { Field } from "./json-fields.ts";
import { parseSignature, type Signature } from "./signing-key.ts";
import {
  anyStore,
  defaultStoreDirectory,
  fromBaseName,
  isStoreDirectory,
  parseStorePath,
  storeDirectoryOf,
  type StorePath,
} from "./store-path.ts";

/**
 * What a store says about a path of its own. Nothing of it is proved: signatures are as found, "ultimate" is
 * a claim.
 */
export interface PathInfo extends Signed {
  readonly deriver: StorePath | null;
  readonly signatures: readonly Signature[];
  readonly contentAddress: ContentAddress | null;
  /** Seconds since 1970. */
  readonly registrationTime: number | null;
  readonly ultimate: boolean;
}

/**
 * Reads what `nix path-info --json` prints, in any version: a list of objects with `path` (Nix up to 2.18), a
 * map by path (2.19 to 2.32 and `--json-format 1`), or the map under `info` with `version` 2 or 3 and base
 * names (since 2.33). `storeDirectory` may be `anyStore`. Paths that the store did not know are left out. Unknown fields are ignored, since Nix
 * adds some. Throws `malformed`, naming the field.
 */
export function parsePathInfos(text: string, storeDirectory: string = defaultStoreDirectory): PathInfo[] {
  const top = Field.parse(text, "path info");
  const [fullPath, baseName] = [remembered(parseStorePath), remembered(fromBaseName)];
  const withPath = (path: StorePath, info: Field): PathInfo =>
    withFullPaths(path, info, fullPath(storeDirectoryOf(path)));
  if (top.isArray)
    return top
      .items()
      .filter((item) => item.get("valid").value !== false)
      .map((item) => withPath(item.get("path").parsed(fullPath(storeDirectory)), item));
  if (top.has("info")) {
    const version = top.get("version");
    if (version.value !== 2 && version.value !== 3) throw version.wrong("2 or 3");
    const directory = top.get("storeDir").string();
    const right = storeDirectory === anyStore ? isStoreDirectory(directory) : directory === storeDirectory;
    if (!right)
      throw top.get("storeDir").wrong(storeDirectory === anyStore ? "a store directory" : storeDirectory);
    const parse = baseName(directory);
    return known(top.get("info")).map(([key, info]) =>
      withBaseNames(new Field(key, `name of ${info.name}`).parsed(parse), info, parse),
    );
  }
  return known(top).map(([key, info]) =>
    withPath(new Field(key, `name of ${info.name}`).parsed(fullPath(storeDirectory)), info),
  );
}

function known(map: Field): [string, Field][] {
  return map.entries().filter(([, info]) => !info.isNull);
}

function withFullPaths(path: StorePath, info: Field, parse: PathParser): PathInfo {
  return {
    ...common(path, info, parse),
    narHash: info.get("narHash").parsed(parseHash),
    contentAddress: optional(info.get("ca"), (ca) => ca.parsed(parseContentAddress)),
  };
}

/** `ca` is `{ "method": "nar", "hash": "sha256-…" }` here. */
function withBaseNames(path: StorePath, info: Field, parse: PathParser): PathInfo {
  return {
    ...common(path, info, parse),
    narHash: info.get("narHash").parsed(parseSri),
    contentAddress: optional(info.get("ca"), parseAddressObject),
  };
}

/** The JSON object for a content address that newer formats of Nix share. */
export function parseAddressObject(field: Field): ContentAddress {
  const method = field.get("method").string();
  if (method !== "text" && method !== "flat" && method !== "nar")
    throw field.get("method").wrong("text, flat or nar");
  return { method, hash: field.get("hash").parsed(parseSri) };
}

function common(
  path: StorePath,
  info: Field,
  parsePath: (text: string) => StorePath,
): Omit<PathInfo, "narHash" | "contentAddress"> {
  return {
    path,
    narSize: info.get("narSize").count(),
    references: info
      .get("references")
      .items()
      .map((reference) => reference.parsed(parsePath)),
    deriver: optional(info.get("deriver"), (deriver) => deriver.parsed(parsePath)),
    signatures: optional(info.get("signatures"), (list) => list.items().map(signature)) ?? [],
    registrationTime: optional(info.get("registrationTime"), (time) => time.count()),
    ultimate: optional(info.get("ultimate"), (ultimate) => ultimate.boolean()) ?? false,
  };
}

/** Text up to version 2, an object since version 3. */
function signature(field: Field): Signature {
  if (!field.isObject) return field.parsed(parseSignature);
  const text = `${field.get("keyName").string()}:${field.get("sig").string()}`;
  return new Field(text, field.name).parsed(parseSignature);
}

function optional<T>(field: Field, read: (field: Field) => T): T | null {
  return field.isNull ? null : read(field);
}

type PathParser = (text: string) => StorePath;

/** By store directory. Many paths refer to one: it is parsed once, and its text is kept once. */
function remembered(
  parse: (text: string, directory: string) => StorePath,
): (directory: string) => PathParser {
  const known = new Map<string, Map<string, StorePath>>();
  return (directory) => {
    const inside = known.get(directory) ?? new Map<string, StorePath>();
    known.set(directory, inside);
    return (text) => {
      const path = inside.get(text) ?? parse(text, directory);
      inside.set(text, path);
      return path;
    };
  };
}
