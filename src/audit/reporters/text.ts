import type { Severity } from "../../core/finding.ts";
import { printable } from "../printable.ts";
import type { AuditFinding, Report } from "../report.ts";
import { answerLines } from "./answer-text.ts";
import { byPackage, type PackageGroup } from "./package-groups.ts";
import { ruleName } from "./rules.ts";

interface Paint {
  good(text: string): string;
  bad(text: string): string;
  weak(text: string): string;
  strong(text: string): string;
}

/** How many identifiers a line about one package names. */
const mostNamed = 8;

/** For people: files in order, each finding with its evidence and the way out; then packages; then what was looked at. */
export function textReport(report: Report, paint: Paint): string {
  const { packages, others } = byPackage(report.findings);
  const byFile = new Map<string, AuditFinding[]>();
  for (const finding of others) {
    const file = finding.file ?? "(the target as a whole)";
    byFile.set(file, [...(byFile.get(file) ?? []), finding]);
  }
  const sections = Array.from(byFile, ([file, findings]) =>
    [paint.strong(printable(file, 4096)), ...findings.flatMap((finding) => lines(finding, paint))].join("\n"),
  );
  const about = packages.map((group) => packageLines(group, paint).join("\n"));
  return `${[...sections, ...about, summary(report, paint)].join("\n\n")}\n`;
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

/** What is affected whole, with the fix once where it is the same; what is not known by name, for those who look into it. */
function packageLines({ name, version, paths, findings }: PackageGroup, paint: Paint): string[] {
  const affected = findings.filter(({ verdict }) => verdict === "affected");
  const open = findings.filter(({ verdict }) => verdict === "unknown");
  const excluded = findings.filter(({ verdict }) => verdict === "not-affected");
  const file = findings.find((finding) => finding.file !== undefined)?.file;
  const more = paths.length > 1 ? ` and ${paths.length - 1} more` : "";
  const where = file ?? (paths[0] === undefined ? "" : `${paths[0]}${more}`);
  const heading = [paint.strong(printable(`${name} ${version}`)), paint.weak(printable(where, 4096))];
  return [
    heading.join("  ").trimEnd(),
    ...affected.flatMap((finding, index) => {
      const { id, severity, exploited, message, evidence, hint, fingerprint } = finding;
      const known = typeof exploited === "string" ? ` ${paint.bad(`exploited since ${exploited}`)}` : "";
      const last = affected[index + 1]?.hint !== hint;
      return [
        `  ${label(severity, paint)} ${printable(id)}${known} ${shortMessage(message, name, version)} ${paint.weak(`[${fingerprint}]`)}`,
        ...(evidence === undefined ? [] : [paint.weak(`      ${evidence}`)]),
        ...(hint === undefined || !last ? [] : [`      fix: ${hint}`]),
      ];
    }),
    ...named("unknown", open, paint),
    ...named("not affected", excluded, paint),
  ];
}

/** One line for each reason. */
function named(what: string, findings: readonly AuditFinding[], paint: Paint): string[] {
  const byReason = new Map<string, string[]>();
  for (const { id, because = "", evidence = "" } of findings) {
    const reason =
      because === "patch" || because === "statement" ? (evidence.split("; ")[1] ?? because) : because;
    byReason.set(reason, [...(byReason.get(reason) ?? []), printable(id)]);
  }
  return Array.from(byReason, ([reason, ids]) => {
    const rest = ids.length > mostNamed ? ` and ${ids.length - mostNamed} more` : "";
    return `  ${paint.weak(`${what} (${reasons[reason] ?? reason}):`)} ${ids.slice(0, mostNamed).join(" ")}${rest}`;
  });
}

const reasons: Readonly<Record<string, string>> = {
  "weak-evidence": "nothing but the name is the same",
  unordered: "the versions cannot be compared",
  version: "another version",
};

/** The message of a vulnerability begins with what the heading says already. */
function shortMessage(message: string, name: string, version: string): string {
  const prefix = `${name} ${version}: `;
  return message.startsWith(prefix) ? message.slice(prefix.length) : message;
}

function label(severity: Severity | "unknown", paint: Paint): string {
  if (severity === "high" || severity === "critical") return paint.bad(severity);
  return severity === "unknown" || severity === "info" ? paint.weak(severity) : paint.strong(severity);
}

function summary(report: Report, paint: Paint): string {
  const { only, findings, waived, checks, coverage, vulnerabilities, failing, failOn } = report;
  const unknown = findings.filter(({ verdict }) => verdict === "unknown").length;
  const affected = findings.filter(({ verdict }) => verdict === "affected").length;
  const percent = coverage.asked === 0 ? 100 : Math.floor((100 * coverage.known) / coverage.asked);
  const listed = [...findings, ...waived].filter((finding) => finding.package === undefined).length;
  const notListed = checks.reduce((sum, check) => sum + check.affected + check.unknown, 0) - listed;
  const stale = vulnerabilities?.state === "stale";
  const nothing = stale ? "nothing found" : paint.good("nothing found");
  const counted = [
    affected === 0 ? nothing : `${affected} finding${affected === 1 ? "" : "s"}`,
    ...(unknown === 0 ? [] : [`${unknown} unknown`]),
    ...(waived.length === 0 ? [] : [`${waived.length} waived`]),
  ];
  const left = coverage.leftOut
    .slice(0, 10)
    .map(({ file, reason }) => paint.weak(`  ${printable(file)}: ${reason}`));
  const more = coverage.leftOutCount > 10 ? [paint.weak(`  and ${coverage.leftOutCount - 10} more`)] : [];
  // A repository without a flake.lock has nothing to hold against advisories: that is worth a line to who asked for just this.
  const isAsked = vulnerabilities !== null && (vulnerabilities.state !== "nothing" || only.length === 1);
  const answer = isAsked ? answerLines(vulnerabilities).map((line) => printable(line, 600)) : [];
  return [
    `${counted.join(", ")}; ${failing} at or above ${failOn}`,
    ...(notListed <= 0 ? [] : [`${notListed} more are counted and not listed: there are too many of them`]),
    ...(coverage.files === 0
      ? []
      : [
          `looked at ${coverage.read} of ${coverage.files} files; ${percent} % of ${coverage.asked} option values that checks asked for are known from the source`,
        ]),
    ...answer.map((line) => (line.startsWith("STALE") ? paint.bad(line) : line)),
    ...(coverage.leftOutCount === 0 ? [] : [`left out: ${coverage.leftOutCount}`, ...left, ...more]),
  ].join("\n");
}
