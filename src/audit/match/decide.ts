/** The verdict on one package and one advisory. Pure: evidence comes in, a verdict with its reason comes out. */
import type { Verdict } from "../../core/finding.ts";
import type { TeamFields, VersionStatus } from "../advisories/advisory.ts";
import { evidenceKinds, type EvidenceKind } from "./identity.ts";

/** What one product of the advisory says about the package. */
export interface Statement {
  readonly kind: EvidenceKind;
  readonly status: VersionStatus;
  /** Commits were all that it had to compare. */
  readonly commitsOnly: boolean;
  /** Of a VEX statement or of the security team. */
  readonly reason: string;
}

export interface Circumstances {
  /** Names of the advisory: its id and aliases. */
  readonly names: readonly string[];
  readonly patches: readonly string[] | null;
  readonly team: TeamFields | null;
  /** Whether a configuration fulfils a condition; null when it is not known. */
  readonly holds: (condition: NonNullable<TeamFields["condition"]>) => boolean | null;
}

export interface Judgement<Of extends Statement = Statement> {
  readonly verdict: Verdict;
  readonly because:
    | "statement"
    | "output"
    | "patch"
    | "configuration"
    | "version"
    | "weak-evidence"
    | "unordered";
  readonly statement: Of;
  /** What a person reads beside the verdict; empty for plain comparisons of versions. */
  readonly note: string;
}

export function judge<Of extends Statement>(
  statements: readonly [Of, ...Of[]],
  given: Circumstances,
): Judgement<Of> {
  for (const kind of ["team", "output"] as const) {
    const decided = strongest(statements.filter((one) => one.kind === kind));
    if (decided === null) continue;
    const because = kind === "team" ? "statement" : "output";
    return { verdict: verdictOf(decided.status), because, statement: decided, note: decided.reason };
  }
  const statement = byVersion(statements);
  const patch = appliedPatch(given);
  if (statement.status !== "unaffected" && patch !== null)
    return { verdict: "not-affected", because: "patch", statement, note: `patch ${patch} is applied` };
  if (statement.status === "unknown")
    return { verdict: "unknown", because: "unordered", statement, note: "the versions cannot be compared" };
  if (statement.status === "unaffected")
    return { verdict: "not-affected", because: "version", statement, note: "" };
  const condition = given.team?.condition;
  const holds = condition === undefined ? true : given.holds(condition);
  if (condition !== undefined && holds !== true) {
    const said = `only where ${condition.option} is ${JSON.stringify(condition.equals)}`;
    return {
      verdict: holds === null ? "unknown" : "not-affected",
      because: "configuration",
      statement,
      note: holds === null ? `${said}; the configuration was not looked at` : said,
    };
  }
  // Two projects may have one name: that alone accuses nobody.
  if (statement.kind === "name")
    return {
      verdict: "unknown",
      because: "weak-evidence",
      statement,
      note: "nothing but the name is the same",
    };
  return { verdict: "affected", because: "version", statement, note: "" };
}

/** The first kind of evidence that is sure decides; without one it is unknown. */
function byVersion<Of extends Statement>(statements: readonly [Of, ...Of[]]): Of {
  const plain = statements.filter(({ kind }) => kind !== "team" && kind !== "output");
  let open: Of | null = null;
  for (const kind of evidenceKinds) {
    const decided = strongest(plain.filter((one) => one.kind === kind));
    if (decided === null) continue;
    if (decided.status !== "unknown") return decided;
    open ??= decided;
  }
  return open ?? statements[0];
}

/** Of evidence of one kind: affected, if anybody says so; then what is open; commits count when there is nothing else. */
function strongest<Of extends Statement>(statements: readonly Of[]): Of | null {
  const ordered = statements.filter(({ commitsOnly }) => !commitsOnly);
  const counted = ordered.length > 0 ? ordered : statements;
  for (const status of ["affected", "unknown", "unaffected"] as const) {
    const found = counted.find((one) => one.status === status);
    if (found !== undefined) return found;
  }
  return null;
}

/** `CVE-…` in a patch's name, as nixpkgs names them, or a name that the advisory gives. */
function appliedPatch({ names, patches, team }: Circumstances): string | null {
  if (patches === null) return null;
  const wanted = new Set(names.map((name) => name.toUpperCase()));
  for (const patch of patches) {
    const named = patch.toUpperCase().match(/CVE-[0-9]{4}-[0-9]{4,10}|GHSA(?:-[0-9A-Z]{4}){3}/g) ?? [];
    if (named.some((name) => wanted.has(name)) || team?.patches?.includes(patch) === true) return patch;
  }
  return null;
}

function verdictOf(status: VersionStatus): Verdict {
  if (status === "affected") return "affected";
  return status === "unaffected" ? "not-affected" : "unknown";
}
