/** Whether a changed unit file means something to a unit that runs, as switch-to-configuration judges it. Pure. */
import type { UnitInfo } from "./unit-text.ts";

export type UnitDifference = "none" | "reload" | "restart";

/** Keys of `[Unit]` that change nothing about what runs. */
const beside = new Set([
  "Description",
  "Documentation",
  "OnFailure",
  "OnSuccess",
  "OnFailureJobMode",
  "IgnoreOnIsolate",
  "StopWhenUnneeded",
  "RefuseManualStart",
  "RefuseManualStop",
  "AllowIsolate",
  "CollectMode",
  "SourcePath",
]);

const weights = { none: 0, reload: 1, restart: 2 } as const;

/** The heaviest of all keys' differences: any key of either counts, whether it was added, removed or has other values. */
export function compareUnits(before: UnitInfo, after: UnitInfo): UnitDifference {
  let heaviest: UnitDifference = "none";
  for (const section of new Set([...before.keys(), ...after.keys()])) {
    const [was, is] = [before.get(section) ?? new Map(), after.get(section) ?? new Map()] as const;
    // A section that comes or goes without a key of weight in it is none, but for those that systemd knows nothing of.
    const keys = new Set([...was.keys(), ...is.keys()]);
    if (keys.size === 0 && before.has(section) !== after.has(section) && section !== "Unit") return "restart";
    for (const key of keys) {
      if (sameValues(was.get(key), is.get(key))) continue;
      const weight = weightOf(section, key, is.has(key));
      if (weights[weight] > weights[heaviest]) heaviest = weight;
    }
  }
  return heaviest;
}

function weightOf(section: string, key: string, isThere: boolean): UnitDifference {
  if (section === "Unit" && beside.has(key)) return "none";
  // A trigger that goes away reloads nothing any more.
  if (section === "Unit" && key === "X-Reload-Triggers") return isThere ? "reload" : "none";
  // What can no longer be reloaded goes on as it is.
  if (section === "Service" && key === "ExecReload") return isThere ? "reload" : "none";
  if (section === "Mount" && key === "Options") return isThere ? "reload" : "restart";
  return "restart";
}

function sameValues(was: readonly string[] | undefined, is: readonly string[] | undefined): boolean {
  return was?.length === is?.length && (was ?? []).every((value, index) => value === is![index]);
}
