/** What the rows of an index say about one version of a package. */
import { versionTypes, type VersionStatus, type VersionType } from "../advisories/advisory.ts";
import type { AdvisoryIndex } from "../advisories/index/read.ts";
import { comparedVersion, contains, firstHolding, isPatchLevelOf } from "./range.ts";
import { orderOf, type Order } from "./version-order.ts";

export interface ProductAnswer {
  readonly advisory: number;
  readonly qualifier: number;
  /** Null when no range of the product speaks of the version. */
  readonly status: VersionStatus | null;
  /** The row that decided. */
  readonly row: number | null;
  readonly commitsOnly: boolean;
}

/** Compares one version with the bounds of one index. A bound that many rows share is compared once. */
export class VersionQuestion {
  readonly #index: AdvisoryIndex;
  readonly #version: ReturnType<typeof comparedVersion>;
  readonly #form: (version: string) => string;
  /** The version, when it is numbers with dots: then most bounds are compared without making strings of them. */
  readonly #numbers: readonly number[] | null;
  readonly #orders = new Map<number, Order>();

  constructor(index: AdvisoryIndex, version: string, form: (version: string) => string) {
    this.#index = index;
    this.#version = comparedVersion(form(version));
    this.#form = form;
    const { release } = this.#version;
    this.#numbers = /^[0-9]{1,15}(?:\.[0-9]{1,15})*$/.test(release) ? release.split(".").map(Number) : null;
  }

  /** Rows of one key, product by product. `wanted` is asked before anything is compared. */
  *answers(
    { first, end }: { readonly first: number; readonly end: number },
    wanted: (advisory: number, qualifier: number) => boolean,
  ): Generator<ProductAnswer> {
    const index = this.#index;
    for (let begin = first, next = first; begin < end; begin = next) {
      for (next = begin + 1; next < end && !index.rowFlags(next).first; next++);
      const [advisory, qualifier] = [index.rowAdvisory(begin), index.rowQualifier(begin)];
      if (!wanted(advisory, qualifier)) continue;
      const held = [];
      let commitsOnly = true;
      for (let row = begin; row < next; row++) {
        const { status, type } = index.rowFlags(row);
        commitsOnly &&= type === "git";
        const holds = this.#holds(row);
        if (holds !== false) held.push({ row, status, holds });
      }
      const decided = firstHolding(held);
      yield {
        advisory,
        qualifier,
        status: decided?.status ?? null,
        row: decided?.range.row ?? null,
        commitsOnly,
      };
    }
  }

  #holds(row: number): boolean | null {
    const index = this.#index;
    const { type, end, fromExclusive } = index.rowFlags(row);
    const [fromBound, toBound] = [index.rowFrom(row), index.rowTo(row)];
    const from = fromBound === 0 ? undefined : this.#order(fromBound, type, false);
    const { release, snapshot } = this.#version;
    if (from === -1 && !snapshot) return false;
    const to = toBound === 0 ? undefined : this.#order(toBound, type, end === "prefix");
    const patchLevelOfEnd =
      to === 1 &&
      end === "through" &&
      this.#numbers === null &&
      isPatchLevelOf(release, this.#form(index.text(toBound)));
    return contains({ fromExclusive, end, from, to, patchLevelOfEnd }, snapshot);
  }

  #order(bound: number, type: VersionType, prefix: boolean): Order {
    const key = bound * 8 + versionTypes.indexOf(type) * 2 + (prefix ? 1 : 0);
    const known = this.#orders.get(key);
    if (known !== undefined) return known;
    const order = this.#compare(bound, type, prefix);
    this.#orders.set(key, order);
    return order;
  }

  #compare(bound: number, type: VersionType, prefix: boolean): Order {
    if (this.#numbers !== null && !prefix && (type === "custom" || type === "semver")) {
      const order = this.#index.compareNumbers(this.#numbers, bound);
      if (order !== undefined) return order;
    }
    const text = this.#form(this.#index.text(bound));
    const { release } = this.#version;
    return orderOf(prefix ? sameDepth(release, text) : release, text, type);
  }
}

/** As many components of the version as the prefix has: 5.10.198 against 5.10 is 5.10. */
function sameDepth(version: string, prefix: string): string {
  return version.split(".").slice(0, prefix.split(".").length).join(".");
}
