/** Finds out what a closure came as and reads it. */
import { utf8Text } from "../../core/bytes.ts";
import { NixsealError, at } from "../../core/errors.ts";
import { unlessMissing } from "../../core/missing.ts";
import type { Files } from "../../core/file-ports.ts";
import { parseDerivation } from "../../nix/derivation-aterm.ts";
import { parseDerivations } from "../../nix/derivation-json.ts";
import type { Derivation } from "../../nix/derivation.ts";
import { Field } from "../../nix/json-fields.ts";
import {
  anyStore,
  baseNameOf,
  defaultStoreDirectory,
  isStoreDirectory,
  parseStorePath,
  type StorePath,
} from "../../nix/store-path.ts";
import { isDatabase } from "../sqlite/pages.ts";
import { packagesOfDerivations, packagesOfStoredPaths, sourceDerivations } from "./from-derivations.ts";
import { pathsOfDatabase, type StoredPath } from "./from-database.ts";
import { packagesOfList, packagesOfPathInfo } from "./from-paths.ts";
import { packagesOfCycloneDx, packagesOfSpdx } from "./from-sbom.ts";
import { inventoryLimits, type Inventory } from "./package.ts";

/** What closures come as. */
export type ClosureForm = "paths" | "path-info" | "derivations" | "cyclonedx" | "spdx" | "database";

/** Bytes of one derivation that an audit reads; the largest of NixOS have a few megabytes. */
const largestDerivation = 64 << 20;

/**
 * Told by the content, since names of files say little; null for what is no closure. `malformed` for JSON that is none,
 * when it begins as one of a closure would.
 */
export function closureForm(bytes: Uint8Array): ClosureForm | null {
  if (isDatabase(bytes)) return "database";
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 2048)).toString("utf8");
  // A warning before the first path, or between two, is for the reader of the list to refuse.
  if (!/^\s*[[{]/.test(head)) return head.split("\n").some((line) => isPath(line.trim())) ? "paths" : null;
  let top: unknown;
  try {
    top = JSON.parse(utf8Text(bytes, "closure"));
  } catch (cause) {
    if (!beginning.test(head)) return null; // a list of Nix begins so too
    throw new NixsealError("malformed", "the closure is not JSON: it may have been cut off", { cause });
  }
  return formOfJson(top);
}

/** What only JSON of a closure begins with. */
const beginning =
  /"(?:bomFormat|spdxVersion|storeDir|derivations)"\s*:|"(?:[^"\s]{1,1024}\/)?[0-9a-z]{32}-[^"\s/]{1,211}"\s*[:,]/;

function formOfJson(top: unknown): ClosureForm | null {
  if (Array.isArray(top)) {
    const first: unknown = top[0];
    return typeof first === "object" && first !== null && "path" in first && isPath(first.path)
      ? "path-info"
      : null;
  }
  if (typeof top !== "object" || top === null) return null;
  const object = top as Readonly<Record<string, unknown>>;
  if (object["bomFormat"] === "CycloneDX") return "cyclonedx";
  if (typeof object["spdxVersion"] === "string") return "spdx";
  if ("derivations" in object) return "derivations";
  if ("info" in object && typeof object["storeDir"] === "string") return "path-info";
  const [first] = Object.keys(object);
  if (first === undefined || !/(?:^|\/)[0-9a-z]{32}-/.test(first)) return null;
  return first.endsWith(".drv") && isDerivation(object[first]) ? "derivations" : "path-info";
}

/** `nix path-info --derivation` lists derivations too, but says nothing of what is in them. */
function isDerivation(value: unknown): boolean {
  return typeof value === "object" && value !== null && "outputs" in value;
}

function isPath(text: unknown): boolean {
  return typeof text === "string" && /^\/[^\s]*\/[0-9a-z]{32}-[^\s/]+$/.test(text);
}

/**
 * A list of store paths, `nix path-info --json`, `nix derivation show`, CycloneDX or SPDX as JSON, or Nix's database.
 * What it is not told to be otherwise is read as path info. Throws `malformed`.
 */
export function packagesOf(bytes: Uint8Array): Inventory {
  return somePackages(inventoryOf(bytes));
}

/** A list that is empty comes of a program that failed: nothing was looked at, and that is not the same as clean. */
function somePackages(inventory: Inventory): Inventory {
  if (inventory.packages.length > 0 || inventory.others > 0) return inventory;
  throw new NixsealError("malformed", "the closure is empty", {
    hint: "see whether what made it has failed",
  });
}

function inventoryOf(bytes: Uint8Array): Inventory {
  if (bytes.length > inventoryLimits.bytes)
    throw new NixsealError("limit", `a closure has at most ${inventoryLimits.bytes} bytes`);
  const form = closureForm(bytes);
  if (form === "database") return packagesOfStoredPaths(pathsOfDatabase(bytes, null, []), new Map());
  const text = utf8Text(bytes, "closure");
  if (!/^\s*[[{]/.test(text)) return packagesOfList(text);
  if (form === "cyclonedx") return packagesOfCycloneDx(Field.parse(text, "closure"));
  if (form === "spdx") return packagesOfSpdx(Field.parse(text, "closure"));
  if (form === "derivations")
    return packagesOfDerivations(
      new Map(
        [...parseDerivations(text, storeDirectoryIn(text))].map(([path, derivation]) => [
          baseNameOf(path),
          derivation,
        ]),
      ),
    );
  return packagesOfPathInfo(text);
}

/** Older forms name derivations by whole paths, and a store may lie anywhere. */
function storeDirectoryIn(text: string): string {
  const directory = /^\s*\{\s*"([^"\\]{1,1024})\/[^"\\/]{1,300}\.drv"/.exec(text)?.[1];
  return directory !== undefined && isStoreDirectory(directory) ? directory : defaultStoreDirectory;
}

/** A directory with the `.drv` files of a closure, flat as in a store. */
export async function packagesOfDirectory(
  files: Pick<Files, "list" | "read">,
  directory: string,
): Promise<Inventory> {
  const names = (await files.list(directory)).filter((name) => name.endsWith(".drv"));
  if (names.length > inventoryLimits.paths)
    throw new NixsealError("limit", `a closure has at most ${inventoryLimits.paths} derivations`);
  const derivations = new Map<string, Derivation>();
  for (const name of names) derivations.set(name, await derivationAt(files, `${directory}/${name}`));
  return somePackages(packagesOfDerivations(derivations));
}

/**
 * Packages of a closure in a store whose derivations may lie there too: these tell patches and sources. Where one is gone
 * (which garbage collection does), the name of the path has to do.
 */
export async function packagesOfStore(
  files: Pick<Files, "read">,
  paths: readonly StoredPath[],
): Promise<Inventory> {
  if (paths.length > inventoryLimits.paths)
    throw new NixsealError("limit", `a closure has at most ${inventoryLimits.paths} paths`);
  const derivations = new Map<string, Derivation>();
  const add = async (path: StorePath): Promise<Derivation | null> => {
    const name = baseNameOf(path);
    const known = derivations.get(name);
    if (known !== undefined) return known;
    const found = await unlessMissing(() => derivationAt(files, path));
    if (found !== null) derivations.set(name, found);
    return found;
  };
  for (const deriver of new Set(paths.flatMap((one) => one.deriver ?? []))) {
    const found = await add(deriver);
    if (found !== null) for (const source of sourceDerivations(found)) await add(source);
  }
  return somePackages(packagesOfStoredPaths(paths, derivations));
}

async function derivationAt(files: Pick<Files, "read">, file: string): Promise<Derivation> {
  const bytes = await files.read(file, { limit: largestDerivation });
  try {
    return parseDerivation(bytes, anyStore);
  } catch (error) {
    throw at(error, { file });
  }
}

/** A root of a closure as a person gives it. Throws `malformed`. */
export function rootPath(text: string): StorePath {
  return parseStorePath(text, anyStore);
}
