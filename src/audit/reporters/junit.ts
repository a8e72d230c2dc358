import type { AuditFinding, Report } from "../report.ts";
import { escaped } from "./markup.ts";
import { ruleName } from "./rules.ts";

/** JUnit XML as CI systems read it: a suite a check, a failure a finding; what could not be told is skipped. */
export function junitReport(report: Report): string {
  const byRule = new Map<string, AuditFinding[]>();
  for (const { id } of report.checks) byRule.set(id, []);
  for (const finding of report.findings) byRule.set(finding.id, [...(byRule.get(finding.id) ?? []), finding]);
  const suites = Array.from(byRule, ([id, findings]) => suite(id, findings));
  const total = [...byRule.values()].reduce((sum, findings) => sum + Math.max(1, findings.length), 0);
  const failures = report.findings.filter(({ verdict }) => verdict === "affected").length;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="nixseal audit" tests="${total}" failures="${failures}">\n${suites.join("")}</testsuites>\n`;
}

function suite(id: string, findings: readonly AuditFinding[]): string {
  const name = escaped(ruleName(id));
  const failures = findings.filter(({ verdict }) => verdict === "affected").length;
  const skipped = findings.length - failures;
  // A check that found nothing is a test that passed: without it a reader sees no difference to one that did not run.
  const cases =
    findings.length === 0
      ? [`    <testcase classname="${name}" name="${name}"/>\n`]
      : findings.map((finding) => testCase(name, finding));
  return `  <testsuite name="${name}" tests="${cases.length}" failures="${failures}" skipped="${skipped}">\n${cases.join("")}  </testsuite>\n`;
}

function testCase(
  name: string,
  { file, line, severity, verdict, message, hint, evidence, fingerprint }: AuditFinding,
): string {
  const place = `${file ?? "target"}${line === undefined ? "" : `:${line}`}`;
  const details = [place, message, evidence, hint === undefined ? undefined : `fix: ${hint}`].filter(
    (part) => part !== undefined,
  );
  const inside =
    verdict === "unknown"
      ? `<skipped message="${escaped(message)}"/>`
      : `<failure type="${severity}" message="${escaped(message)}">${details.map((part) => escaped(part)).join("\n")}</failure>`;
  return `    <testcase classname="${name}" name="${escaped(`${place} ${fingerprint}`)}"${file === undefined ? "" : ` file="${escaped(file)}"`}>${inside}</testcase>\n`;
}
