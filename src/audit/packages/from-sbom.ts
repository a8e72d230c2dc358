/** Packages of a bill of materials: CycloneDX 1.x and SPDX 2.x, as JSON. */
import { advisoryLimits as limits } from "../advisories/advisory.ts";
import { items, optionalText, shortText } from "../advisories/fields.ts";
import { parsePurl } from "../advisories/purl.ts";
import type { Field } from "../../nix/json-fields.ts";
import { InventoryBuilder } from "./collect.ts";
import { inventoryLimits, type Inventory, type Package } from "./package.ts";
import { named } from "./store-name.ts";

const deepest = 64;

export function packagesOfCycloneDx(top: Field): Inventory {
  const builder = new InventoryBuilder();
  const visit = (components: readonly Field[], depth: number): void => {
    if (depth > deepest) throw components[0]!.wrong(`components at most ${deepest} deep`);
    for (const component of components) {
      const purls = [optionalText(component.get("purl"), 2048)].filter(Boolean);
      const cpes = [optionalText(component.get("cpe"), 1024)].filter(Boolean);
      const name = shortText(component.get("name"), limits.name);
      builder.add(
        listed(
          name,
          optionalText(component.get("version"), limits.version),
          cpes,
          purls,
          patchesOf(component),
        ),
        storePathOf(component),
      );
      visit(items(component.get("components"), inventoryLimits.paths), depth + 1);
    }
  };
  visit(items(top.get("components"), inventoryLimits.paths), 0);
  return builder.finish();
}

export function packagesOfSpdx(top: Field): Inventory {
  const builder = new InventoryBuilder();
  for (const item of items(top.get("packages"), inventoryLimits.paths)) {
    const references = items(item.get("externalRefs"), 256).map((reference) => ({
      type: shortText(reference.get("referenceType"), 256),
      locator: shortText(reference.get("referenceLocator"), 2048),
    }));
    const locators = (...types: readonly string[]): string[] =>
      references.filter(({ type }) => types.includes(type)).map(({ locator }) => locator);
    const name = shortText(item.get("name"), limits.name);
    const version = optionalText(item.get("versionInfo"), limits.version);
    builder.add(listed(name, version, locators("cpe23Type", "cpe22Type"), locators("purl"), null), null);
  }
  return builder.finish();
}

function listed(
  name: string,
  version: string,
  cpes: readonly string[],
  purls: readonly string[],
  patches: readonly string[] | null,
): Omit<Package, "paths"> | null {
  const found = named(
    name,
    version || (purls.map((purl) => parsePurl(purl).version ?? "").find(Boolean) ?? ""),
  );
  if (found === null) return null;
  return {
    ...found,
    patches,
    cpes,
    purls,
    repository: null,
  };
}

/** CycloneDX `pedigree.patches[].resolves[].id`; null where the document does not speak of patches. */
function patchesOf(component: Field): string[] | null {
  const pedigree = component.get("pedigree");
  if (pedigree.isNull) return null;
  return items(pedigree.get("patches"), 4096).flatMap((patch) =>
    items(patch.get("resolves"), 256).map((issue) => optionalText(issue.get("id"), limits.name)),
  );
}

/** sbomnix writes the store path as a property. */
function storePathOf(component: Field): string | null {
  const property = items(component.get("properties"), 4096).find(
    (one) => one.get("name").value === "nix:output_path",
  );
  return property === undefined ? null : shortText(property.get("value"), 1024);
}
