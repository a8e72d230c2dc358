/** Puts the outputs of one package together. */
import { NixsealError } from "../../core/errors.ts";
import { inventoryLimits, type Inventory, type Package } from "./package.ts";

export class InventoryBuilder {
  readonly #packages = new Map<string, Package & { paths: string[] }>();
  #others = 0;

  /** `found` null counts as something else. The same name, version and patches is the same package. */
  add(found: Omit<Package, "paths"> | null, path: string | null): void {
    if (found === null) {
      this.#others++;
      return;
    }
    const key = [
      found.name,
      found.version,
      found.patches?.join(" ") ?? "?",
      found.repository ?? "",
      ...found.cpes,
      ...found.purls,
    ].join("\0");
    const known = this.#packages.get(key);
    if (known === undefined) {
      if (this.#packages.size >= inventoryLimits.paths)
        throw new NixsealError("limit", `a closure has at most ${inventoryLimits.paths} packages`);
      this.#packages.set(key, { ...found, paths: path === null ? [] : [path] });
    } else if (path !== null) known.paths.push(path);
  }

  finish(): Inventory {
    const packages = [...this.#packages.values()].sort((a, b) =>
      a.name < b.name ? -1 : a.name > b.name ? 1 : 0,
    );
    return { packages, others: this.#others };
  }
}

/** What is known where only a name is. */
export const onlyNamed: Pick<Package, "patches" | "cpes" | "purls" | "repository"> = {
  patches: null,
  cpes: [],
  purls: [],
  repository: null,
};
