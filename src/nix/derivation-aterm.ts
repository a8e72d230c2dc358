import { NixsealError } from "../core/errors.ts";
import { ATermReader } from "./aterm.ts";
import type { ContentAddressMethod } from "./content-address.ts";
import { derivationLimits, type Derivation, type DerivationOutput, type InputOutputs } from "./derivation.ts";
import { isHashAlgorithm, parseDigest, type HashAlgorithm } from "./hash.ts";
import {
  anyStore,
  defaultStoreDirectory,
  parseStorePath,
  storeDirectoryOf,
  type StorePath,
} from "./store-path.ts";

/**
 * Reads a `.drv` file: `Derive(…)`, or `DrvWithVersion("xp-dyn-drv",…)` of dynamic derivations. Throws
 * `malformed` with the byte offset for anything that Nix would not have written, `limit` for more than 64
 * MiB.
 */
export function parseDerivation(
  bytes: Uint8Array,
  storeDirectory: string = defaultStoreDirectory,
): Derivation {
  if (bytes.length > derivationLimits.bytes)
    throw new NixsealError("limit", `a derivation has at most ${derivationLimits.bytes} bytes`);
  const reader = new ATermReader(bytes);
  const paths = pathReader(reader, storeDirectory);
  const versioned = reader.skip("DrvWithVersion(");
  if (versioned) {
    if (!reader.skip('"xp-dyn-drv",')) throw reader.fault("an unknown version of the derivation format");
  } else reader.expect("Derive(");

  const outputs = reader.set(() => output(reader, paths), first);
  reader.expect(",");
  const inputDerivations = reader.set(() => {
    reader.expect("(");
    const path = paths();
    reader.expect(",");
    const needed = inputOutputs(reader, versioned, 0);
    reader.expect(")");
    return [path, needed] as const;
  }, first);
  reader.expect(",");
  const inputSources = reader.set(paths, (path) => path);
  reader.expect(",");
  const system = reader.string();
  reader.expect(",");
  const builder = reader.string();
  reader.expect(",");
  const args = reader.list(() => reader.string());
  reader.expect(",");
  const env = reader.set(() => {
    reader.expect("(");
    const name = reader.string();
    reader.expect(",");
    const value = reader.string();
    reader.expect(")");
    return [name, value] as const;
  }, first);
  reader.expect(")");
  reader.end();
  return {
    outputs: new Map(outputs),
    inputSources,
    inputDerivations: new Map(inputDerivations),
    system,
    builder,
    args,
    env: new Map(env),
  };
}

function first(pair: readonly [string, unknown]): string {
  return pair[0];
}

/** All paths of one file lie in one store; with `anyStore` the first says in which. */
function pathReader(reader: ATermReader, storeDirectory: string): () => StorePath {
  let directory = storeDirectory;
  return () => {
    const start = reader.offset;
    const text = reader.string();
    try {
      const path = parseStorePath(text, directory);
      if (directory === anyStore) directory = storeDirectoryOf(path);
      return path;
    } catch (cause) {
      throw reader.fault(cause instanceof Error ? cause.message : "not a store path", start, cause);
    }
  };
}

/** `("out","/nix/store/…","r:sha256","<hex>")`; which fields are empty says what kind it is. */
function output(reader: ATermReader, path: () => StorePath): readonly [string, DerivationOutput] {
  reader.expect("(");
  const name = reader.string();
  reader.expect(",");
  const known = reader.skip('"",') ? null : path();
  if (known !== null) reader.expect(",");
  const start = reader.offset;
  const algorithm = reader.string();
  reader.expect(",");
  const digest = reader.string();
  reader.expect(")");
  try {
    return [name, outputFrom(known, algorithm, digest)];
  } catch (cause) {
    throw reader.fault(cause instanceof Error ? cause.message : "not an output", start, cause);
  }
}

function outputFrom(path: StorePath | null, methodAlgorithm: string, digest: string): DerivationOutput {
  if (methodAlgorithm === "" && digest === "")
    return path === null ? { type: "deferred" } : { type: "input-addressed", path };
  const { method, algorithm } = parseMethodAlgorithm(methodAlgorithm);
  if (path !== null) {
    // Nix writes this digest in hex and nowhere else.
    if (!/^[0-9a-f]+$/.test(digest)) throw new NixsealError("malformed", "the hash of an output is not hex");
    const hash = parseDigest(algorithm, digest);
    return { type: "fixed", path, address: { method, hash } };
  }
  if (digest === "") return { type: "floating", method, algorithm };
  if (digest === "impure") return { type: "impure", method, algorithm };
  throw new NixsealError("malformed", "an output has a hash and no path");
}

/** `sha256`, `r:sha256` or `text:sha256`. Throws `malformed`. */
export function parseMethodAlgorithm(text: string): {
  method: ContentAddressMethod;
  algorithm: HashAlgorithm;
} {
  const [prefix, rest] = text.startsWith("r:")
    ? ["nar" as const, 2]
    : text.startsWith("text:")
      ? ["text" as const, 5]
      : ["flat" as const, 0];
  const algorithm = text.slice(rest);
  if (!isHashAlgorithm(algorithm))
    throw new NixsealError(
      "malformed",
      `${JSON.stringify(text.slice(0, 80))} is not a hash algorithm of an output`,
    );
  return { method: prefix, algorithm };
}

/** `["dev","out"]` or, in the versioned form, `(["out"],[("out",…)])`. */
function inputOutputs(reader: ATermReader, versioned: boolean, depth: number): InputOutputs {
  if (depth > derivationLimits.dynamicDepth)
    throw new NixsealError("limit", `dynamic derivations nest deeper than ${derivationLimits.dynamicDepth}`, {
      where: { offset: reader.offset },
    });
  const names = (): string[] =>
    reader.set(
      () => reader.string(),
      (name) => name,
    );
  if (!versioned || !reader.skip("(")) return { outputs: names(), dynamic: new Map() };
  const outputs = names();
  reader.expect(",");
  const dynamic = reader.set(() => {
    reader.expect("(");
    const name = reader.string();
    reader.expect(",");
    const needed = inputOutputs(reader, versioned, depth + 1);
    reader.expect(")");
    return [name, needed] as const;
  }, first);
  reader.expect(")");
  return { outputs, dynamic: new Map(dynamic) };
}
