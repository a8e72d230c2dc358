import type { Severity } from "../../core/finding.ts";
import type { AuditFinding, Report, WaivedFinding } from "../report.ts";
import { answerLines } from "./answer-text.ts";
import { rulesOf, type Rule } from "./rules.ts";

const levels: Readonly<Record<Severity, "error" | "warning" | "note">> = {
  critical: "error",
  high: "error",
  medium: "warning",
  low: "note",
  info: "note",
};

// What forges sort by: numbers as CVSS has them, as text.
const scores: Readonly<Record<Severity, string>> = {
  critical: "9.5",
  high: "8.0",
  medium: "5.5",
  low: "3.0",
  info: "0.0",
};

/** SARIF 2.1.0 (OASIS). Files are relative to the target, which is the base SRCROOT; every rule is declared. */
export function sarifReport(report: Report): string {
  const rules = rulesOf(report);
  const index = new Map(rules.map(({ id }, place) => [id, place]));
  const severities = new Map<string, Severity>();
  for (const { id, verdict, severity } of report.findings)
    if (verdict === "affected" && !severities.has(id)) severities.set(id, severity);
  const document = {
    $schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "nixseal",
            rules: rules.map((rule) => ruleObject(rule, severities.get(rule.id) ?? "info")),
          },
        },
        // §3.14.14: a base without an address of its own is left to whoever reads the file.
        originalUriBaseIds: { SRCROOT: { description: { text: "the audited target" } } },
        invocations: [
          {
            executionSuccessful: true,
            toolExecutionNotifications: [...notifications(report)],
          },
        ],
        results: [
          ...report.findings.map((finding) => result(finding, index)),
          ...report.waived.map((finding) => ({
            ...result(finding, index),
            suppressions: [suppression(finding)],
          })),
        ],
      },
    ],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** §3.20.21: what was not looked at, and what the answers about vulnerabilities are worth. */
function* notifications({ coverage, vulnerabilities }: Report): Generator<object> {
  for (const { file, reason } of coverage.leftOut)
    yield {
      level: "warning",
      message: { text: `left out: ${reason}` },
      locations: [{ physicalLocation: { artifactLocation: artifact(file) } }],
    };
  if (vulnerabilities === null) return;
  const level = vulnerabilities.state === "stale" ? "error" : "note";
  for (const text of answerLines(vulnerabilities)) yield { level, message: { text } };
}

function ruleObject({ id, name, title, means, fix, references }: Rule, severity: Severity): object {
  const [reference] = references;
  return {
    id,
    ...(/^[a-z][a-z0-9-]*$/.test(name) ? { name: pascalCase(name) } : {}),
    shortDescription: { text: title },
    ...(means === undefined ? {} : { fullDescription: { text: means } }),
    ...(fix === undefined ? {} : { help: { text: [fix, ...references].join("\n") } }),
    ...(reference === undefined ? {} : { helpUri: reference }),
    defaultConfiguration: { level: levels[severity] },
    properties: { tags: ["security"], "security-severity": scores[severity] },
  };
}

function result(finding: AuditFinding, index: ReadonlyMap<string, number>): object {
  const { id, severity, verdict, message, hint, evidence, fingerprint } = finding;
  const text = [
    message,
    ...(evidence === undefined ? [] : [evidence]),
    ...(hint === undefined ? [] : [`Fix: ${hint}`]),
  ].join("\n");
  return {
    ruleId: id,
    ruleIndex: index.get(id),
    // §3.27.9: `open` is a result that could not be decided, `notApplicable` one that was ruled out; both have the level
    // `none` (§3.27.10).
    ...(verdict === "affected"
      ? { kind: "fail", level: levels[severity] }
      : { kind: verdict === "unknown" ? "open" : "notApplicable", level: "none" }),
    message: { text },
    locations: locations(finding),
    partialFingerprints: { "nixseal/v1": fingerprint },
    properties: { severity, verdict, ...packageProperties(finding) },
  };
}

/** §3.28: a package is in no file of the target, but it has a name. */
function locations({ file, line, package: name, version }: AuditFinding): object[] {
  if (file === undefined)
    return name === undefined
      ? []
      : [{ logicalLocations: [{ name, fullyQualifiedName: `${name}@${version}`, kind: "resource" }] }];
  const region = line === undefined ? {} : { region: { startLine: line } };
  return [{ physicalLocation: { artifactLocation: artifact(file), ...region } }];
}

function packageProperties({ package: name, version, paths, score, epss, exploited }: AuditFinding): object {
  return name === undefined ? {} : { package: name, version, paths, score, epss, exploited };
}

function suppression({ waiver: { owner, until, because } }: WaivedFinding): object {
  return { kind: "external", status: "accepted", justification: `${because} (${owner}, until ${until})` };
}

/** A relative URI: names of files may hold anything, `%`, `:` and what is not text included. */
function artifact(file: string): object {
  const uri = file.toWellFormed().split("/").map(encodeURIComponent).join("/");
  return { uri, uriBaseId: "SRCROOT" };
}

function pascalCase(name: string): string {
  return name.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
}
