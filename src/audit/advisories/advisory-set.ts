/** The advisories that an audit goes by: an index, and smaller ones over it that bring what is newer. */
import { AdvisoryIndex } from "./index/read.ts";

export interface Layer {
  readonly index: AdvisoryIndex;
  /** Numbers of its advisories that a later layer has again, whole. */
  readonly hidden: ReadonlySet<number>;
}

export interface AdvisorySet {
  /** The oldest first. */
  readonly layers: readonly Layer[];
  /** From when on nobody may say "clean" by it; null for a set that somebody made here. */
  readonly expires: Date | null;
  /** Advisories that hosts may act on by themselves. */
  readonly critical: ReadonlySet<string>;
}

export function advisorySet(
  indexes: readonly AdvisoryIndex[],
  expires: Date | null,
  critical: readonly string[] = [],
): AdvisorySet {
  const layers = indexes.map((index, position) => {
    const hidden = new Set<number>();
    for (const later of indexes.slice(position + 1))
      for (let number = 0; number < later.advisories; number++) {
        const old = index.findAdvisory(later.advisory(number).id);
        if (old !== null) hidden.add(old);
      }
    return { index, hidden };
  });
  return { layers, expires, critical: new Set(critical) };
}
