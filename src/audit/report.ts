import { severities, type Finding, type Severity, type Verdict } from "../core/finding.ts";
import type { Coverage as ClosureCoverage } from "./match/audit-closure.ts";
import type { VulnerabilityFacts } from "./match/finding.ts";

/**
 * A finding as reports have it: with a verdict always, and a fingerprint that a waiver can name. What is about a package
 * has `package` and the facts of its advisory; `id` is then the advisory's.
 */
export interface AuditFinding extends Finding, SomeOf<VulnerabilityFacts> {
  readonly verdict: Verdict;
  /** 16 hex digits: the check, the file and what was flagged. It changes when what was flagged changes. */
  readonly fingerprint: string;
}

type SomeOf<Of> = { readonly [Key in keyof Of]?: Of[Key] | undefined };

export interface LeftOut {
  readonly file: string;
  readonly reason: string;
}

export interface Coverage {
  /** Files and symlinks of the target. */
  readonly files: number;
  /** Files that were read and looked at. */
  readonly read: number;
  readonly bytes: number;
  /** Option values that a check asked for, and those of them that were known. */
  readonly asked: number;
  readonly known: number;
  /** What was not looked at, and why; at most a hundred of them. */
  readonly leftOut: readonly LeftOut[];
  readonly leftOutCount: number;
}

export interface CheckResult {
  readonly id: string;
  readonly affected: number;
  readonly unknown: number;
  /** Places that were looked at and are fine, where the check counts them. */
  readonly notAffected: number;
}

export interface WaivedFinding extends AuditFinding {
  readonly waiver: { readonly owner: string; readonly until: string; readonly because: string };
}

/** What an audit can say of vulnerabilities, and how much that is worth. */
export interface VulnerabilityAnswer {
  /**
   * `stale`: the advisories are out of date, nothing means clean; `missing`: there are none here; `nothing`: the target has
   * neither a closure nor a flake.lock to hold against them.
   */
  readonly state: "current" | "stale" | "missing" | "nothing";
  /** What was held against the advisories, for people; the empty string when nothing was. */
  readonly subject: string;
  /** Since when the advisories are too old. */
  readonly staleSince: string | null;
  /** The feed that they came in; null for an index that was named. */
  readonly feed: { readonly name: string; readonly version: number; readonly expires: string } | null;
  /** Null where no package is known, as with a flake.lock alone. */
  readonly coverage: ClosureCoverage | null;
  /** Advisories that know a package and whose ranges leave its version out. */
  readonly outOfRange: number;
  /** Findings beyond what a report takes; the worst are listed first. */
  readonly notListed: number;
}

/** Everything that an audit says. Reporters add nothing to it. */
export interface Report {
  readonly target: string;
  /** When it was made, RFC 3339. */
  readonly at: string;
  readonly only: readonly string[];
  readonly findings: readonly AuditFinding[];
  readonly waived: readonly WaivedFinding[];
  readonly checks: readonly CheckResult[];
  readonly coverage: Coverage;
  /** Null when nobody asked for vulnerabilities. */
  readonly vulnerabilities: VulnerabilityAnswer | null;
  readonly failOn: Severity;
  /** Findings at or above `failOn`: with any, the exit code is 1. */
  readonly failing: number;
}

/** What `auditTarget` and `auditPackages` find out; the rest of a report is what was asked for. */
export type Found = Pick<Report, "only" | "findings" | "waived" | "checks" | "coverage" | "vulnerabilities">;

/**
 * Whether a finding makes an audit fail. A vulnerability of which it is not known whether it is one keeps its severity, for
 * those who look into it, but fails an audit only when that is asked for.
 */
export function fails({ severity, verdict, package: found }: AuditFinding, failOn: Severity): boolean {
  if (verdict === "not-affected") return false;
  if (verdict === "unknown" && found !== undefined) return failOn === "info";
  return severities.indexOf(severity) >= severities.indexOf(failOn);
}

/** No file was looked at: the target is a closure. */
export const noFiles: Coverage = {
  files: 0,
  read: 0,
  bytes: 0,
  asked: 0,
  known: 0,
  leftOut: [],
  leftOutCount: 0,
};

/** Files in order, in each the worst first. */
export function inOrder<Item extends Finding>(
  findings: readonly Item[],
  rank: (severity: Severity) => number,
): Item[] {
  return [...findings].sort(
    (a, b) =>
      rank(b.severity) - rank(a.severity) ||
      compare(a.file ?? "", b.file ?? "") ||
      (a.line ?? 0) - (b.line ?? 0) ||
      compare(a.id, b.id),
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
