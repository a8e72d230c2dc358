/** Which units reach a vulnerable path, and by what. Pure. */
import type { VulnerabilityFinding } from "../audit/match/finding.ts";

/** A path that hosts may act on, and all paths of the store that need it. */
export interface VulnerablePath {
  readonly path: string;
  readonly advisory: string;
  /** When the team named units, only these are meant. */
  readonly units: readonly string[];
  readonly neededBy: ReadonlySet<string>;
}

/** Paths of findings that hosts may act on. The same path may stand under several advisories. */
export function actionable(
  findings: readonly VulnerabilityFinding[],
): readonly Omit<VulnerablePath, "neededBy">[] {
  return findings
    .filter(({ mayAct, verdict }) => mayAct && verdict === "affected")
    .flatMap(({ id, paths, units }) => paths.map((path) => ({ path, advisory: id, units })));
}

export interface Reach {
  readonly advisories: readonly string[];
  /** One sentence for people: what it runs and what that needs. */
  readonly because: string;
}

/** Null when nothing that the unit runs needs a vulnerable path. */
export function reachOf(
  unit: string,
  runs: ReadonlySet<string>,
  vulnerable: readonly VulnerablePath[],
): Reach | null {
  const meant = vulnerable.filter(({ units }) => units.length === 0 || units.includes(unit));
  const found = meant.flatMap(({ path, advisory, neededBy }) => {
    // What it runs itself says more than what refers to it.
    const by = runs.has(path) ? path : [...runs].find((one) => neededBy.has(one));
    return by === undefined ? [] : [{ path, advisory, by }];
  });
  const [first] = found;
  if (first === undefined) return null;
  const refers = first.by === first.path ? "" : `, which refers to ${first.path}`;
  const advisories = [...new Set(found.map(({ advisory }) => advisory))].sort();
  return { advisories, because: `runs ${first.by}${refers} (${advisories.slice(0, 5).join(", ")})` };
}
