/** What the rows of an index say about one version of a package. */
import type { VersionType } from "../advisories/advisory.ts";
import type { IndexedRow, AdvisoryIndex } from "../advisories/index/read.ts";
import { comparedVersion, contains, firstHolding, isPatchLevelOf } from "./range.ts";
import { orderOf, type Order } from "./version-order.ts";

/** A row with its answer. */
export interface AnsweredRow extends IndexedRow {
  readonly holds: boolean | null;
}

export interface ProductAnswer {
  readonly advisory: number;
  readonly qualifier: number;
  /** Null when no range of the product speaks of the version. */
  readonly decided: ReturnType<typeof firstHolding<AnsweredRow>>;
  readonly commitsOnly: boolean;
}

/** Compares one version with the bounds of one index. A bound that many rows share is compared once. */
export class VersionQuestion {
  readonly #index: AdvisoryIndex;
  readonly #version: ReturnType<typeof comparedVersion>;
  readonly #form: (version: string) => string;
  readonly #orders = new Map<number, Order>();

  constructor(index: AdvisoryIndex, version: string, form: (version: string) => string) {
    this.#index = index;
    this.#version = comparedVersion(form(version));
    this.#form = form;
  }

  /** Rows of one key, product by product. `wanted` looks at advisory and qualifier, before anything is compared. */
  *answers(
    rows: { readonly first: number; readonly end: number },
    wanted: (row: IndexedRow) => boolean,
  ): Generator<ProductAnswer> {
    let number = rows.first;
    while (number < rows.end) {
      const first = this.#index.row(number);
      const product = [first];
      for (number++; number < rows.end; number++) {
        const row = this.#index.row(number);
        if (row.first) break;
        product.push(row);
      }
      if (!wanted(first)) continue;
      yield {
        advisory: first.advisory,
        qualifier: first.qualifier,
        decided: firstHolding(product.map((row) => ({ ...row, holds: this.#holds(row) }))),
        commitsOnly: product.every((row) => row.type === "git"),
      };
    }
  }

  #holds(row: IndexedRow): boolean | null {
    const from = row.from === 0 ? undefined : this.#order(row.from, row.type, "all");
    const to =
      row.to === 0 ? undefined : this.#order(row.to, row.type, row.end === "prefix" ? "prefix" : "all");
    const patchLevelOfEnd =
      to === 1 &&
      row.end === "through" &&
      isPatchLevelOf(this.#version.release, this.#form(this.#index.text(row.to)));
    return contains({ ...row, from, to, patchLevelOfEnd }, this.#version.snapshot);
  }

  #order(bound: number, type: VersionType, part: "all" | "prefix"): Order {
    const key = bound * 16 + ["custom", "semver", "git", "nix"].indexOf(type) * 2 + (part === "all" ? 0 : 1);
    const known = this.#orders.get(key);
    if (known !== undefined) return known;
    const text = this.#form(this.#index.text(bound));
    const { release } = this.#version;
    const order = orderOf(part === "all" ? release : sameDepth(release, text), text, type);
    this.#orders.set(key, order);
    return order;
  }
}

/** As many components of the version as the prefix has: 5.10.198 against 5.10 is 5.10. */
function sameDepth(version: string, prefix: string): string {
  return version.split(".").slice(0, prefix.split(".").length).join(".");
}
