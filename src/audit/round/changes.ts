/** What is new since the last time, and what is gone. Pure. */
import { severities, type Severity } from "../../core/finding.ts";
import type { AuditFinding, Report } from "../report.ts";
import type { Change, KnownFinding, KnownTarget } from "./memory.ts";
import { memoryLimits } from "./memory.ts";

export interface Comparison {
  readonly findings: readonly KnownFinding[];
  readonly appeared: readonly KnownFinding[];
  readonly gone: readonly KnownFinding[];
}

/** How many findings an entry of the feed names. */
const mostNamed = 50;

/**
 * The same finding is one with the same fingerprint and verdict: what was unknown and is affected now is news. What was ruled
 * out is not kept.
 */
export function compareFindings(
  before: KnownTarget | null,
  findings: readonly AuditFinding[],
  now: string,
): Comparison {
  const keyOf = ({ fingerprint, verdict }: Pick<KnownFinding, "fingerprint" | "verdict">): string =>
    `${fingerprint} ${verdict}`;
  const known = new Map((before?.findings ?? []).map((finding) => [keyOf(finding), finding]));
  const kept = findings
    .filter(({ verdict }) => verdict !== "not-affected")
    .slice(0, memoryLimits.findings)
    .map((finding): KnownFinding => ({
      fingerprint: finding.fingerprint,
      id: finding.id,
      severity: finding.severity,
      verdict: finding.verdict,
      message: shown(finding),
      since: known.get(keyOf(finding))?.since ?? now,
    }));
  const present = new Set(kept.map(keyOf));
  return {
    findings: kept,
    appeared: kept.filter((finding) => !known.has(keyOf(finding))),
    gone: [...known.values()].filter((finding) => !present.has(keyOf(finding))),
  };
}

/** An entry of the feed about a target; null when nothing changed that anybody must know: what is unknown is no news. */
export function changeOf(
  name: string,
  before: KnownTarget | null,
  { appeared, gone }: Pick<Comparison, "appeared" | "gone">,
  report: Pick<Report, "vulnerabilities">,
  now: string,
): Change | null {
  const isAffected = ({ verdict }: KnownFinding): boolean => verdict === "affected";
  const [fresh, past] = [appeared.filter(isAffected), gone.filter(isAffected)];
  const stale = report.vulnerabilities?.state === "stale" && before?.stale !== true;
  const recovered = before !== null && before.error !== null;
  if (fresh.length === 0 && past.length === 0 && !stale && !recovered && before !== null) return null;
  const parts = [
    ...(fresh.length === 0 ? [] : [`${fresh.length} new`]),
    ...(past.length === 0 ? [] : [`${past.length} gone`]),
    ...(stale ? ["the advisories are out of date"] : []),
    ...(recovered ? ["could be audited again"] : []),
  ];
  const first = before === null ? "first audit: " : "";
  const title = `${name}: ${first}${parts.join(", ") || "nothing found"}`;
  return {
    id: `${name} ${now}`,
    at: now,
    name,
    title,
    text: [...listed("New", fresh), ...listed("Gone", past)].join("\n"),
    severity: worst(fresh),
  };
}

/** An entry for a target that could not be audited, when it could be before. */
export function failureOf(
  name: string,
  before: KnownTarget | null,
  error: string,
  now: string,
): Change | null {
  if (before?.error === error) return null;
  return {
    id: `${name} ${now}`,
    at: now,
    name,
    title: `${name}: could not be audited`,
    text: error,
    severity: "medium",
  };
}

export function worst(findings: readonly Pick<KnownFinding, "severity">[]): Severity {
  return findings.reduce<Severity>(
    (most, { severity }) => (severities.indexOf(severity) > severities.indexOf(most) ? severity : most),
    "info",
  );
}

function listed(title: string, findings: readonly KnownFinding[]): string[] {
  if (findings.length === 0) return [];
  const lines = findings
    .slice(0, mostNamed)
    .map(({ id, severity, message }) => `- ${severity} ${id} ${message}`);
  const rest = findings.length > mostNamed ? [`- and ${findings.length - mostNamed} more`] : [];
  return [`${title}:`, ...lines, ...rest];
}

function shown({ file, line, message }: AuditFinding): string {
  const place = file === undefined ? "" : `${file}${line === undefined ? "" : `:${line}`}: `;
  return `${place}${message}`;
}
