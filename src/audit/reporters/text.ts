import type { Severity } from "../../core/finding.ts";
import { printable } from "../printable.ts";
import type { AuditFinding, Report } from "../report.ts";
import { ruleName } from "./rules.ts";

interface Paint {
  good(text: string): string;
  bad(text: string): string;
  weak(text: string): string;
  strong(text: string): string;
}

/** For people: files in order, each finding with its evidence and the way out, then what was looked at. */
export function textReport(report: Report, paint: Paint): string {
  const byFile = new Map<string, AuditFinding[]>();
  for (const finding of report.findings) {
    const file = finding.file ?? "(the target as a whole)";
    byFile.set(file, [...(byFile.get(file) ?? []), finding]);
  }
  const sections = Array.from(byFile, ([file, findings]) =>
    [paint.strong(printable(file, 4096)), ...findings.flatMap((finding) => lines(finding, paint))].join("\n"),
  );
  return `${[...sections, summary(report, paint)].join("\n\n")}\n`;
}

function lines(
  { id, severity, verdict, line, message, hint, evidence, fingerprint }: AuditFinding,
  paint: Paint,
): string[] {
  const place = line === undefined ? "" : `${line}: `;
  const head = `  ${place}${label(verdict === "unknown" ? "unknown" : severity, paint)} ${message} ${paint.weak(`[${ruleName(id)} ${fingerprint}]`)}`;
  return [
    head,
    ...(evidence === undefined ? [] : [paint.weak(`      ${evidence}`)]),
    ...(hint === undefined || verdict === "unknown" ? [] : [`      fix: ${hint}`]),
  ];
}

function label(severity: Severity | "unknown", paint: Paint): string {
  if (severity === "high" || severity === "critical") return paint.bad(severity);
  return severity === "unknown" || severity === "info" ? paint.weak(severity) : paint.strong(severity);
}

function summary({ findings, waived, coverage, failing, failOn }: Report, paint: Paint): string {
  const unknown = findings.filter(({ verdict }) => verdict === "unknown").length;
  const affected = findings.length - unknown;
  const percent = coverage.asked === 0 ? 100 : Math.floor((100 * coverage.known) / coverage.asked);
  const counted = [
    affected === 0 ? paint.good("nothing found") : `${affected} finding${affected === 1 ? "" : "s"}`,
    ...(unknown === 0 ? [] : [`${unknown} unknown`]),
    ...(waived.length === 0 ? [] : [`${waived.length} waived`]),
  ];
  const left = coverage.leftOut
    .slice(0, 10)
    .map(({ file, reason }) => paint.weak(`  ${printable(file)}: ${reason}`));
  const more = coverage.leftOutCount > 10 ? [paint.weak(`  and ${coverage.leftOutCount - 10} more`)] : [];
  return [
    `${counted.join(", ")}; ${failing} at or above ${failOn}`,
    `looked at ${coverage.read} of ${coverage.files} files; ${percent} % of ${coverage.asked} option values that checks asked for are known from the source`,
    ...(coverage.leftOutCount === 0 ? [] : [`left out: ${coverage.leftOutCount}`, ...left, ...more]),
  ].join("\n");
}
