/** What the matcher says, as part of an audit's report. */
import { NixsealError } from "../core/errors.ts";
import type { AdvisorySet } from "./advisories/advisory-set.ts";
import { Fingerprints } from "./fingerprint.ts";
import { limits } from "./limits.ts";
import { auditClosure, type AuditOptions, type VulnerabilityReport } from "./match/audit-closure.ts";
import { auditLock } from "./match/audit-lock.ts";
import type { VulnerabilityFinding } from "./match/finding.ts";
import { nixpkgsOfLock } from "./packages/from-lock.ts";
import type { Inventory } from "./packages/package.ts";
import { printable } from "./printable.ts";
import type { AuditFinding, VulnerabilityAnswer } from "./report.ts";
import { parseLockFile } from "./target/lock-file.ts";

/** Advisories as an audit goes by them. */
export interface Advisories {
  readonly set: AdvisorySet;
  /** The feed that they came in; null for an index that somebody named. */
  readonly feed: VulnerabilityAnswer["feed"];
  /** The audit's time; never before the newest timestamp that was accepted. */
  readonly now: Date;
}

export interface Vulnerabilities {
  readonly findings: readonly AuditFinding[];
  readonly answer: VulnerabilityAnswer;
}

/** A closure against the advisories. `subject` says to people what it is. */
export function closureVulnerabilities(
  inventory: Inventory,
  subject: string,
  { set, feed, now }: Advisories,
  options: AuditOptions,
): Vulnerabilities {
  const report = auditClosure(inventory, set, now, options);
  return {
    findings: auditFindings(report.findings, () => ({})),
    answer: answerOf(report, subject, feed, report.coverage),
  };
}

/**
 * The flake.lock of a target against the channel tables of the advisories; null for one that is none, which checks of lock
 * files report.
 */
export function lockVulnerabilities(
  file: string,
  bytes: Uint8Array,
  { set, feed, now }: Advisories,
  all: boolean,
): Vulnerabilities | null {
  const locked = unlessMalformed(() => nixpkgsOfLock(bytes));
  if (locked === null || locked.length === 0) return null;
  const { inputs } = parseLockFile(file, Buffer.from(bytes).toString("utf8"));
  const found = auditLock(locked, set);
  const shown = all ? found : found.filter(({ verdict }) => verdict !== "not-affected");
  const lines = new Map(inputs.map(({ name, line }) => [name, line]));
  const lineOf = ({ version }: VulnerabilityFinding): number =>
    lines.get(locked.find(({ revision }) => revision === version)?.node ?? "") ?? 1;
  const nothing = auditClosure({ packages: [], others: 0 }, set, now);
  const report = { ...nothing, findings: shown, outOfRange: found.length - shown.length };
  return {
    findings: auditFindings(shown, (finding) => ({ file, line: lineOf(finding) })),
    answer: answerOf(report, `nixpkgs of ${file}, by its revision`, feed, null),
  };
}

/** Vulnerabilities were asked for, and there are no advisories, or there is nothing to hold against them. */
export function noAnswer(state: "missing" | "nothing"): VulnerabilityAnswer {
  return { state, subject: "", staleSince: null, feed: null, coverage: null, outOfRange: 0, notListed: 0 };
}

function answerOf(
  { findings, outOfRange, staleSince }: Pick<VulnerabilityReport, "findings" | "outOfRange" | "staleSince">,
  subject: string,
  feed: VulnerabilityAnswer["feed"],
  coverage: VulnerabilityAnswer["coverage"],
): VulnerabilityAnswer {
  const state = staleSince === null ? "current" : "stale";
  return {
    state,
    subject,
    staleSince: staleSince?.toISOString() ?? null,
    feed,
    coverage,
    outOfRange,
    notListed: Math.max(0, findings.length - limits.report),
  };
}

/**
 * The fingerprint holds what somebody decides by who waives it: the advisory, the package with its version, how severe it is
 * and whether it is exploited. When one of these changes, the waiver is void.
 */
function auditFindings(
  found: readonly VulnerabilityFinding[],
  place: (finding: VulnerabilityFinding) => Pick<AuditFinding, "file" | "line">,
): AuditFinding[] {
  const fingerprints = new Fingerprints();
  return found.slice(0, limits.report).map((finding) => {
    const { id, package: name, version, severity, exploited, message, evidence, hint } = finding;
    const where = place(finding);
    const decided = [name, version, severity, exploited === null ? "" : "exploited"].join("\0");
    return {
      ...finding,
      ...where,
      verdict: finding.verdict ?? "affected",
      message: printable(message),
      evidence: evidence === undefined ? undefined : printable(evidence, 600),
      hint: hint === undefined ? undefined : printable(hint),
      fingerprint: fingerprints.of(id, where.file ?? "", decided),
    };
  });
}

function unlessMalformed<T>(work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    if (error instanceof NixsealError && error.code === "malformed") return null;
    throw error;
  }
}
