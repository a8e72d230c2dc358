import type { AuditFinding, Report } from "../report.ts";
import { answerLines } from "./answer-text.ts";
import { escaped } from "./markup.ts";
import { ruleName } from "./rules.ts";

/** JUnit XML as CI systems read it: a suite a check, a failure a finding; what could not be told is skipped. */
export function junitReport(report: Report): string {
  const byRule = new Map<string, AuditFinding[]>();
  for (const { id } of report.checks) byRule.set(id, []);
  const answer = vulnerabilitySuite(report);
  for (const finding of report.findings) byRule.set(finding.id, [...(byRule.get(finding.id) ?? []), finding]);
  const suites = Array.from(byRule, ([id, findings]) => suite(id, findings));
  const total =
    [...byRule.values()].reduce((sum, findings) => sum + Math.max(1, findings.length), 0) + answer.tests;
  const failures = report.findings.filter(({ verdict }) => verdict === "affected").length + answer.failures;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="nixseal audit" tests="${total}" failures="${failures}">\n${suites.join("")}${answer.text}</testsuites>\n`;
}

/** What the advisories are worth is a test of its own: out of date ones fail it, missing ones skip it. */
function vulnerabilitySuite({ vulnerabilities: answer }: Report): {
  text: string;
  tests: number;
  failures: number;
} {
  if (answer === null || answer.state === "nothing") return { text: "", tests: 0, failures: 0 };
  const [message = ""] = answerLines(answer);
  const inside = {
    current: `<system-out>${escaped(answerLines(answer).join("\n"))}</system-out>`,
    stale: `<failure type="stale" message="${escaped(message)}"></failure>`,
    missing: `<skipped message="${escaped(message)}"/>`,
  }[answer.state];
  const failures = answer.state === "stale" ? 1 : 0;
  const skipped = answer.state === "missing" ? 1 : 0;
  const text = `  <testsuite name="advisories" tests="1" failures="${failures}" skipped="${skipped}">\n    <testcase classname="advisories" name="up to date">${inside}</testcase>\n  </testsuite>\n`;
  return { text, tests: 1, failures };
}

function suite(id: string, findings: readonly AuditFinding[]): string {
  const name = escaped(ruleName(id));
  const failures = findings.filter(({ verdict }) => verdict === "affected").length;
  const skipped = findings.filter(({ verdict }) => verdict === "unknown").length;
  // A check that found nothing is a test that passed: without it a reader sees no difference to one that did not run.
  const cases =
    findings.length === 0
      ? [`    <testcase classname="${name}" name="${name}"/>\n`]
      : findings.map((finding) => testCase(name, finding));
  return `  <testsuite name="${name}" tests="${cases.length}" failures="${failures}" skipped="${skipped}">\n${cases.join("")}  </testsuite>\n`;
}

function testCase(name: string, finding: AuditFinding): string {
  const { file, line, severity, verdict, message, hint, evidence, fingerprint } = finding;
  const whole = finding.package === undefined ? "target" : `${finding.package} ${finding.version}`;
  const place = `${file ?? whole}${line === undefined ? "" : `:${line}`}`;
  const details = [place, message, evidence, hint === undefined ? undefined : `fix: ${hint}`].filter(
    (part) => part !== undefined,
  );
  const inside =
    verdict !== "affected"
      ? verdict === "unknown"
        ? `<skipped message="${escaped(message)}"/>`
        : ""
      : `<failure type="${severity}" message="${escaped(message)}">${details.map((part) => escaped(part)).join("\n")}</failure>`;
  return `    <testcase classname="${name}" name="${escaped(`${place} ${fingerprint}`)}"${file === undefined ? "" : ` file="${escaped(file)}"`}>${inside}</testcase>\n`;
}
