/** Packages of store paths, by their names alone. */
import { NixsealError, at } from "../../core/errors.ts";
import { parsePathInfos } from "../../nix/path-info.ts";
import { anyStore, nameOf, parseStorePath } from "../../nix/store-path.ts";
import { InventoryBuilder, onlyNamed } from "./collect.ts";
import { inventoryLimits, type Inventory } from "./package.ts";
import { packageOf } from "./store-name.ts";

/** What `nix-store --query --requisites` and `nix path-info --recursive` print: a path a line. */
export function packagesOfList(text: string): Inventory {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  if (lines.length > inventoryLimits.paths)
    throw new NixsealError("limit", `a closure has at most ${inventoryLimits.paths} paths`);
  return packagesOfPaths(
    lines.map((line, index) => {
      try {
        return parseStorePath(line, anyStore);
      } catch (error) {
        throw at(error, { line: index + 1 });
      }
    }),
  );
}

/** What `nix path-info --json` prints, in any version. */
export function packagesOfPathInfo(text: string): Inventory {
  return packagesOfPaths(parsePathInfos(text, anyStore).map(({ path }) => path));
}

function packagesOfPaths(paths: readonly ReturnType<typeof parseStorePath>[]): Inventory {
  const builder = new InventoryBuilder();
  for (const path of new Set(paths)) {
    const found = packageOf(nameOf(path));
    builder.add(found === null ? null : { ...found, ...onlyNamed }, path);
  }
  return builder.finish();
}
