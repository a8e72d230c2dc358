import type { VersionRange } from "./advisory.ts";

/** The one version of a range; null when it is every version; undefined when it is a true range. */
export function exactVersion({ from, to, end }: VersionRange): string | null | undefined {
  if (from === null && to === null) return null;
  return from !== null && from === to && end === "through" ? from : undefined;
}
