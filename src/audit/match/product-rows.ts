/** What the rows of an index say about one version of a package. */
import { versionTypes, type VersionStatus, type VersionType } from "../advisories/advisory.ts";
import type { RowFlags } from "../advisories/index/layout.ts";
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

/** Compares one version with the bounds of one index. A bound that many rows share is made a string once. */
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
      let held: { row: number; status: VersionStatus; holds: boolean | null }[] | null = null;
      let commitsOnly = true;
      for (let row = begin; row < next; row++) {
        const flags = index.rowFlags(row);
        commitsOnly &&= flags.type === "git";
        const holds = this.#holds(row, flags);
        if (holds !== false) (held ??= []).push({ row, status: flags.status, holds });
      }
      const decided = held === null ? null : firstHolding(held); // most ranges leave a version out
      yield {
        advisory,
        qualifier,
        status: decided?.status ?? null,
        row: decided?.range.row ?? null,
        commitsOnly,
      };
    }
  }

  #holds(row: number, { type, end, fromExclusive }: RowFlags): boolean | null {
    const index = this.#index;
    const [fromBound, toBound] = [index.rowFrom(row), index.rowTo(row)];
    const from = fromBound === 0 ? undefined : this.#order(fromBound, type, false);
    const { release, snapshot } = this.#version;
    if (from === -1 && !snapshot) return false;
    const to = toBound === 0 ? undefined : this.#order(toBound, type, end === "prefix");
    // By far the most rows: nothing is in doubt, so nothing has to be weighed.
    if (!snapshot && (to === -1 || (to === 1 && end === "before"))) {
      if (to === 1) return false;
      if (from === 1 || from === undefined || (from === 0 && !fromExclusive)) return true;
    }
    const patchLevelOfEnd =
      to === 1 &&
      end === "through" &&
      this.#numbers === null &&
      isPatchLevelOf(release, this.#form(index.text(toBound)));
    return contains({ fromExclusive, end, from, to, patchLevelOfEnd }, snapshot);
  }

  #order(bound: number, type: VersionType, prefix: boolean): Order {
    if (this.#numbers !== null && !prefix && (type === "custom" || type === "semver")) {
      const order = this.#index.compareNumbers(this.#numbers, bound);
      if (order !== undefined) return order;
    }
    const key = bound * 8 + versionTypes.indexOf(type) * 2 + (prefix ? 1 : 0);
    const known = this.#orders.get(key);
    if (known !== undefined) return known;
    const text = this.#form(this.#index.text(bound));
    const { release } = this.#version;
    const order = orderOf(prefix ? sameDepth(release, text) : release, text, type);
    this.#orders.set(key, order);
    return order;
  }
}

/** As many components of the version as the prefix has: 5.10.198 against 5.10 is 5.10. */
function sameDepth(version: string, prefix: string): string {
  return version.split(".").slice(0, prefix.split(".").length).join(".");
}
