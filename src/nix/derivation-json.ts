import { NixsealError } from "../core/errors.ts";
import { fixedOutputPath, type ContentAddress, type ContentAddressMethod } from "./content-address.ts";
import { parseMethodAlgorithm } from "./derivation-aterm.ts";
import { derivationLimits, type Derivation, type DerivationOutput, type InputOutputs } from "./derivation.ts";
import { formatHash, isHashAlgorithm, parseDigest, type HashAlgorithm } from "./hash.ts";
import { Field } from "./json-fields.ts";
import { parseAddressObject } from "./path-info.ts";
import { defaultStoreDirectory, fromBaseName, nameOf, parseStorePath, type StorePath } from "./store-path.ts";

/**
 * Reads what `nix derivation show` (once `nix show-derivation`) prints, in any version: a map by path; since
 * version 3 with base names; since version 4 under `derivations` and with `inputs`. Throws `malformed`,
 * naming the field.
 */
export function parseDerivations(
  text: string,
  storeDirectory: string = defaultStoreDirectory,
): Map<StorePath, Derivation> {
  const top = Field.parse(text, "derivations");
  const wrapped = top.has("derivations");
  if (wrapped && top.get("version").value !== 4) throw top.get("version").wrong("4");
  const map = wrapped ? top.get("derivations") : top;
  return new Map(
    map.entries().map(([key, field]) => {
      const path = new Field(key, `name of ${field.name}`).parsed(anyPath(storeDirectory));
      return [path, derivation(field, nameOf(path).replace(/\.drv$/, ""), storeDirectory)];
    }),
  );
}

function derivation(field: Field, fileName: string, storeDirectory: string): Derivation {
  const version = field.has("version") ? field.get("version").count() : 2;
  if (version > 4) throw field.get("version").wrong("a version up to 4");
  const parsePath = anyPath(storeDirectory);
  const name = field.has("name") ? field.get("name").string() : fileName;
  const nested = field.has("inputs");
  const sources = nested ? field.get("inputs").get("srcs") : field.get("inputSrcs");
  const derivations = nested ? field.get("inputs").get("drvs") : field.get("inputDrvs");
  const env = new Map(
    field
      .get("env")
      .entries()
      .map(([key, value]) => [key, value.string()]),
  );
  if (field.has("structuredAttrs")) env.set("__json", JSON.stringify(field.get("structuredAttrs").value));
  return {
    outputs: new Map(
      sorted(field.get("outputs").entries()).map(([outputName, output]) => [
        outputName,
        parseOutput(output, outputName === "out" ? name : `${name}-${outputName}`, storeDirectory),
      ]),
    ),
    inputSources: sorted(sources.items().map((source) => [source.parsed(parsePath), source])).map(
      ([path]) => path,
    ),
    inputDerivations: new Map(
      sorted(
        derivations.entries().map(([key, value]) => [new Field(key, value.name).parsed(parsePath), value]),
      ).map(([path, value]) => [path, inputOutputs(value, 0)]),
    ),
    system: field.get("system").string(),
    builder: field.get("builder").string(),
    args: field
      .get("args")
      .items()
      .map((argument) => argument.string()),
    env: new Map(sorted([...env])),
  };
}

/** The kinds are told by which fields there are, as in Nix. */
function parseOutput(field: Field, name: string, storeDirectory: string): DerivationOutput {
  const path = field.has("path") ? field.get("path").parsed(anyPath(storeDirectory)) : null;
  if (field.has("hash")) {
    const address = field.has("hashAlgo") ? separateAddress(field) : parseAddressObject(field);
    return { type: "fixed", path: path ?? fixedOutputPath(name, address, storeDirectory), address };
  }
  if (field.has("hashAlgo")) {
    const impure = field.has("impure") && field.get("impure").boolean();
    return { type: impure ? "impure" : "floating", ...methodAlgorithm(field) };
  }
  return path === null ? { type: "deferred" } : { type: "input-addressed", path };
}

/** Versions 1 to 3: a bare digest beside its algorithm. */
function separateAddress(field: Field): ContentAddress {
  const { method, algorithm } = methodAlgorithm(field);
  return { method, hash: field.get("hash").parsed((digest) => parseDigest(algorithm, digest)) };
}

/** Version 1 has `r:sha256`, later ones `method` and `hashAlgo`. */
function methodAlgorithm(field: Field): { method: ContentAddressMethod; algorithm: HashAlgorithm } {
  if (!field.has("method")) return field.get("hashAlgo").parsed(parseMethodAlgorithm);
  const method = field.get("method").string();
  const algorithm = field.get("hashAlgo").string();
  if (method !== "text" && method !== "flat" && method !== "nar")
    throw field.get("method").wrong("text, flat or nar");
  if (!isHashAlgorithm(algorithm)) throw field.get("hashAlgo").wrong("a hash algorithm");
  return { method, algorithm };
}

/** A list up to Nix 2.17, then an object. */
function inputOutputs(field: Field, depth: number): InputOutputs {
  if (depth > derivationLimits.dynamicDepth)
    throw new NixsealError("limit", `dynamic derivations nest deeper than ${derivationLimits.dynamicDepth}`);
  const names = (list: Field): string[] => list.items().map((name) => name.string());
  if (field.isArray) return { outputs: names(field), dynamic: new Map() };
  const dynamic = field.has("dynamicOutputs") ? field.get("dynamicOutputs").entries() : [];
  return {
    outputs: names(field.get("outputs")),
    dynamic: new Map(dynamic.map(([name, value]) => [name, inputOutputs(value, depth + 1)])),
  };
}

function anyPath(storeDirectory: string): (text: string) => StorePath {
  return (text) =>
    text.includes("/") ? parseStorePath(text, storeDirectory) : fromBaseName(text, storeDirectory);
}

function sorted<Key extends string, Value>(
  pairs: readonly (readonly [Key, Value])[],
): (readonly [Key, Value])[] {
  return [...pairs].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

/**
 * The object that `nix show-derivation` of Nix 2.4 to 2.14 prints for one derivation, the oldest JSON shape,
 * which is what the file says word by word. Dynamic inputs, which those versions do not know, have the
 * objects of later ones.
 */
export function derivationToJson(derivation: Derivation): Record<string, unknown> {
  const inputs = [...derivation.inputDerivations];
  const dynamic = inputs.some(([, needed]) => needed.dynamic.size > 0);
  return {
    outputs: asObject([...derivation.outputs].map(([name, output]) => [name, outputToJson(output)])),
    inputSrcs: derivation.inputSources,
    inputDrvs: asObject(
      inputs.map(([path, needed]) => [path, dynamic ? neededToJson(needed) : needed.outputs]),
    ),
    system: derivation.system,
    builder: derivation.builder,
    args: derivation.args,
    env: asObject([...derivation.env]),
  };
}

function outputToJson(output: DerivationOutput): Record<string, unknown> {
  const typed = (method: ContentAddressMethod, algorithm: HashAlgorithm): string =>
    `${{ nar: "r:", text: "text:", flat: "" }[method]}${algorithm}`;
  switch (output.type) {
    case "input-addressed":
      return { path: output.path };
    case "fixed": {
      const { method, hash } = output.address;
      return { path: output.path, hashAlgo: typed(method, hash.algorithm), hash: formatHash(hash, "base16") };
    }
    case "floating":
      return { hashAlgo: typed(output.method, output.algorithm) };
    case "impure":
      return { hashAlgo: typed(output.method, output.algorithm), impure: true };
    case "deferred":
      return {};
    default:
      return output satisfies never;
  }
}

function neededToJson({ outputs, dynamic }: InputOutputs): Record<string, unknown> {
  return {
    outputs,
    dynamicOutputs: asObject([...dynamic].map(([name, needed]) => [name, neededToJson(needed)])),
  };
}

/** Without a prototype: an environment variable may be called __proto__. */
function asObject(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  return Object.assign(Object.create(null) as Record<string, unknown>, Object.fromEntries(entries));
}
