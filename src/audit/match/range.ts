/** What the ranges of one product say about one version. Pure. */
import type { VersionRange, VersionStatus } from "../advisories/advisory.ts";
import type { Order } from "./version-order.ts";

/** A version with what its spelling says: a snapshot was taken somewhere after `release`. */
export interface ComparedVersion {
  readonly release: string;
  readonly snapshot: boolean;
}

type Bounds = Pick<VersionRange, "fromExclusive" | "end"> & {
  /** The version against the range's ends; undefined where the range has no such end. */
  readonly from: Order | undefined;
  readonly to: Order | undefined;
  /** The version is `to` with a patch level behind: `1.9.5p2` against `1.9.5`. */
  readonly patchLevelOfEnd: boolean;
};

/** `1.2-unstable-2024-05-01`, `0-unstable-…` and `unstable-…`: nixpkgs' names for a commit after a release. */
export function comparedVersion(version: string): ComparedVersion {
  const match = /^(.*?)-?unstable-[0-9]{4}-[0-9]{2}-[0-9]{2}$/s.exec(version);
  if (match === null) return { release: version, snapshot: false };
  return { release: match[1] === "" ? "0" : match[1]!, snapshot: true };
}

/** Whether the range holds the version; null when it cannot be told. */
export function contains(bounds: Bounds, snapshot: boolean): boolean | null {
  const low = afterBegin(bounds, snapshot);
  if (low === false) return false;
  const high = beforeEnd(bounds, snapshot);
  if (high === false) return false;
  return low === null || high === null ? null : true;
}

function afterBegin({ from, fromExclusive }: Bounds, snapshot: boolean): boolean | null {
  if (from === undefined) return true;
  if (from === null) return null;
  // What came in with a later release may be in the snapshot already.
  if (from === -1) return snapshot ? null : false;
  return from === 1 || !fromExclusive ? true : snapshot ? null : false;
}

function beforeEnd({ to, end, patchLevelOfEnd }: Bounds, snapshot: boolean): boolean | null {
  if (to === undefined) return true;
  if (to === null) return null;
  if (end === "before") {
    if (to !== -1) return false;
    return snapshot ? null : true; // the fix may be among the commits after the release
  }
  if (to === -1) return true; // what a later release still has, a snapshot before it has too
  if (to === 0) return snapshot && end === "through" ? null : true;
  // Some projects fix in patch levels (sudo), for others they are the same release: the record does not say.
  return patchLevelOfEnd ? null : false;
}

/**
 * The first range that holds the version decides. Doubt about an earlier one stays, unless both say the same. Null when no
 * range speaks of the version.
 */
export function firstHolding<Of extends { readonly status: VersionStatus; readonly holds: boolean | null }>(
  ranges: Iterable<Of>,
): { readonly status: VersionStatus; readonly range: Of } | null {
  let doubted: Of | null = null;
  let mixed = false;
  for (const range of ranges) {
    if (range.holds === false) continue;
    mixed ||= doubted !== null && doubted.status !== range.status;
    if (range.holds === true) return { status: mixed ? "unknown" : range.status, range };
    doubted ??= range;
  }
  if (doubted === null) return null;
  return { status: doubted.status === "unaffected" && !mixed ? "unaffected" : "unknown", range: doubted };
}

/** Whether `version` is `release` with a patch level behind it: `1.9.5p2`, and `2.39-52` of nixpkgs' glibc. */
export function isPatchLevelOf(version: string, release: string): boolean {
  return (
    version.startsWith(release) && /^(?:[-.]?(?:p|pl|patch)|-)[0-9]+$/i.test(version.slice(release.length))
  );
}
