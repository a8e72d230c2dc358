/** Finds out what a closure came as and reads it. */
import { utf8Text } from "../../core/bytes.ts";
import { NixsealError, at } from "../../core/errors.ts";
import type { Files } from "../../core/ports.ts";
import { parseDerivation } from "../../nix/derivation-aterm.ts";
import { parseDerivations } from "../../nix/derivation-json.ts";
import type { Derivation } from "../../nix/derivation.ts";
import { Field } from "../../nix/json-fields.ts";
import { anyStore, baseNameOf } from "../../nix/store-path.ts";
import { packagesOfDerivations } from "./from-derivations.ts";
import { packagesOfList, packagesOfPathInfo } from "./from-paths.ts";
import { packagesOfCycloneDx, packagesOfSpdx } from "./from-sbom.ts";
import { inventoryLimits, type Inventory } from "./package.ts";

/**
 * A list of store paths, `nix path-info --json`, `nix derivation show`, CycloneDX or SPDX as JSON. Told by the content,
 * since names of files say little. Throws `malformed`.
 */
export function packagesOf(bytes: Uint8Array): Inventory {
  if (bytes.length > inventoryLimits.bytes)
    throw new NixsealError("limit", `a closure has at most ${inventoryLimits.bytes} bytes`);
  const text = utf8Text(bytes, "closure");
  if (!/^\s*[[{]/.test(text)) return packagesOfList(text);
  const top = Field.parse(text, "closure");
  if (top.isObject) {
    if (top.get("bomFormat").value === "CycloneDX") return packagesOfCycloneDx(top);
    if (typeof top.get("spdxVersion").value === "string") return packagesOfSpdx(top);
    const [first] = top.keys();
    if (top.has("derivations") || first?.endsWith(".drv") === true)
      return packagesOfDerivations(
        new Map([...parseDerivations(text)].map(([path, derivation]) => [baseNameOf(path), derivation])),
      );
  }
  return packagesOfPathInfo(text);
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
  for (const name of names) {
    const file = `${directory}/${name}`;
    const bytes = await files.read(file, { limit: 64 << 20 });
    try {
      derivations.set(name, parseDerivation(bytes, anyStore));
    } catch (error) {
      throw at(error, { file });
    }
  }
  return packagesOfDerivations(derivations);
}
