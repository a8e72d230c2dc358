/** What changed between two collections, as advisories for a layer over the older one. */
import { isDeepStrictEqual } from "node:util";
import { emptyAdvisory, type Advisory } from "./advisory.ts";
import type { Collection } from "./collection.ts";

/** New and changed advisories whole; what is gone is withdrawn, so that it hides the older one. */
export function changedSince(old: Collection, current: Collection): Advisory[] {
  const changed = current.sorted().filter((advisory) => !isDeepStrictEqual(old.get(advisory.id), advisory));
  const gone = old.sorted().filter(({ id }) => current.get(id) === undefined);
  return [...changed, ...gone.map(({ id }) => ({ ...emptyAdvisory, id, withdrawn: true }))];
}
