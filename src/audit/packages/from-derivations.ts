/** Packages of derivations: these say their patches and sources too. No expression is evaluated. */
import { NixsealError } from "../../core/errors.ts";
import type { Derivation } from "../../nix/derivation.ts";
import { repositoryKey } from "../advisories/repository.ts";
import { baseNameOf, nameOf, type StorePath } from "../../nix/store-path.ts";
import { InventoryBuilder, onlyNamed } from "./collect.ts";
import type { StoredPath } from "./from-database.ts";
import type { Inventory, Package } from "./package.ts";
import { named, packageOf, type NamedVersion } from "./store-name.ts";

/** By the file name of the derivation without its directory. */
export function packagesOfDerivations(derivations: ReadonlyMap<string, Derivation>): Inventory {
  const builder = new InventoryBuilder();
  for (const [file, derivation] of derivations) {
    const found = packageOfDerivation(file, derivation, derivations);
    const outputs = [...derivation.outputs.values()].flatMap((output) =>
      "path" in output ? [output.path] : [],
    );
    if (found === null || outputs.length === 0) builder.add(found, null);
    for (const path of outputs) if (found !== null) builder.add(found, path);
  }
  return builder.finish();
}

/**
 * Packages of a closure that a store knows: what the derivation says, where it is known and makes the path, else what the
 * name says. A deriver is a claim of the store's database; its outputs are not.
 */
export function packagesOfStoredPaths(
  paths: readonly StoredPath[],
  derivations: ReadonlyMap<string, Derivation>,
): Inventory {
  const builder = new InventoryBuilder();
  for (const { path, deriver } of paths) {
    const file = deriver === null ? "" : baseNameOf(deriver);
    const derivation = derivations.get(file);
    const makes =
      derivation !== undefined &&
      [...derivation.outputs.values()].some((output) => "path" in output && output.path === path);
    const byName = packageOf(nameOf(path));
    if (makes) builder.add(packageOfDerivation(file, derivation, derivations), path);
    else builder.add(byName === null ? null : { ...byName, ...onlyNamed }, path);
  }
  return builder.finish();
}

/** The derivations among the inputs that may make the source: by name, so that no others need to be read. */
export function sourceDerivations(derivation: Derivation): StorePath[] {
  const attribute = attributesOf(derivation);
  const names = new Set(
    [...words(attribute("src")), ...words(attribute("srcs"))].map((path) => `${baseName(path)}.drv`),
  );
  return [...derivation.inputDerivations.keys()].filter((path) => names.has(nameOf(path)));
}

function packageOfDerivation(
  file: string,
  derivation: Derivation,
  all: ReadonlyMap<string, Derivation>,
): Omit<Package, "paths"> | null {
  // A fixed output is a download: the source of something, not the thing.
  if ([...derivation.outputs.values()].some((output) => output.type === "fixed")) return null;
  const attribute = attributesOf(derivation);
  const found = nameOfDerivation(file, attribute("pname"), attribute("version"));
  if (found === null) return null;
  return {
    ...found,
    patches: words(attribute("patches")).map(baseName),
    cpes: [],
    purls: [],
    repository: repositoryOf(words(attribute("src")).concat(words(attribute("srcs"))), derivation, all),
  };
}

function nameOfDerivation(file: string, pname: unknown, version: unknown): NamedVersion | null {
  if (typeof pname === "string" && pname !== "" && typeof version === "string" && version !== "")
    return named(pname, version);
  return packageOf(baseName(file).replace(/\.drv$/, ""));
}

/** Attributes are variables, or with `__structuredAttrs` fields of one JSON document. */
function attributesOf({ env }: Derivation): (name: string) => unknown {
  const json = env.get("__json");
  if (json === undefined) return (name) => env.get(name);
  const fields = parseObject(json);
  return (name) => (Object.hasOwn(fields, name) ? fields[name] : env.get(name));
}

function parseObject(json: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new NixsealError("malformed", "the structured attributes of a derivation are not JSON", { cause });
  }
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

/** A list is words with spaces between, or a JSON list. */
function words(value: unknown): string[] {
  if (typeof value === "string") return value.split(/\s+/).filter(Boolean);
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

/** `/nix/store/<digest>-CVE-2023-1234.patch` → `CVE-2023-1234.patch`; a file in a source tree keeps its last part. */
function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1).replace(/^[0-9a-z]{32}-/, "");
}

/** Where the derivation that makes `src` downloads from. */
function repositoryOf(
  sources: readonly string[],
  { inputDerivations }: Derivation,
  all: ReadonlyMap<string, Derivation>,
): string | null {
  if (sources.length === 0) return null;
  for (const path of inputDerivations.keys()) {
    const input = all.get(path.slice(path.lastIndexOf("/") + 1));
    if (input === undefined) continue;
    const makes = [...input.outputs.values()].some(
      (output) => "path" in output && sources.some((source) => source.startsWith(output.path)),
    );
    if (!makes) continue;
    const attribute = attributesOf(input);
    for (const url of [...words(attribute("urls")), ...words(attribute("url"))]) {
      const key = repositoryKey(url);
      if (key !== null) return key;
    }
  }
  return null;
}
