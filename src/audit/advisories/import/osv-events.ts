/** OSV's events of a range as intervals (OSV schema, "Evaluation"). */
import { orderOf } from "../../match/version-order.ts";
import type { VersionRange, VersionType } from "../advisory.ts";

export interface OsvEvent {
  /** Empty where the event is of another kind. */
  readonly introduced: string;
  readonly fixed: string;
  readonly lastAffected: string;
}

/** Events may stand in any order. Where versions cannot be ordered they are taken as they stand. */
export function eventRanges(events: readonly OsvEvent[], type: VersionType): VersionRange[] {
  const sorted = type === "git" ? [...events] : [...events].sort((a, b) => place(a, b, type));
  const ranges: VersionRange[] = [];
  let from: string | null | undefined;
  const close = (to: string | null, end: VersionRange["end"]): void => {
    if (from === undefined) return;
    ranges.push({ status: "affected", type, from, fromExclusive: false, to, end });
    from = undefined;
  };
  for (const { introduced, fixed, lastAffected } of sorted) {
    if (introduced !== "") {
      if (from === undefined) from = introduced === "0" ? null : introduced;
    } else if (fixed !== "") close(fixed, "before");
    else if (lastAffected !== "") close(lastAffected, "through");
  }
  close(null, "before");
  return ranges;
}

function place(a: OsvEvent, b: OsvEvent, type: VersionType): number {
  const [x, y] = [versionOf(a), versionOf(b)];
  if (x === y) return Number(a.introduced !== "") - Number(b.introduced !== "");
  if (x === "0") return -1;
  if (y === "0") return 1;
  return orderOf(x, y, type) ?? 0;
}

function versionOf({ introduced, fixed, lastAffected }: OsvEvent): string {
  return introduced || fixed || lastAffected;
}
