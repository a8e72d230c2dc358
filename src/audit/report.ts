import type { Finding, Severity, Verdict } from "../core/finding.ts";

/** A finding as reports have it: with a verdict always, and a fingerprint that a waiver can name. */
export interface AuditFinding extends Finding {
  readonly verdict: Verdict;
  /** 16 hex digits: the check, the file and what was flagged. It changes when what was flagged changes. */
  readonly fingerprint: string;
}

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
  readonly failOn: Severity;
  /** Findings at or above `failOn`: with any, the exit code is 1. */
  readonly failing: number;
}

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
