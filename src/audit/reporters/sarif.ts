import type { Severity } from "../../core/finding.ts";
import type { AuditFinding, Report, WaivedFinding } from "../report.ts";
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
  const document = {
    $schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "nixseal",

            rules: rules.map((rule) => ruleObject(rule, report)),
          },
        },
        // §3.14.14: a base without an address of its own is left to whoever reads the file.
        originalUriBaseIds: { SRCROOT: { description: { text: "the audited target" } } },
        invocations: [
          {
            executionSuccessful: true,
            toolExecutionNotifications: report.coverage.leftOut.map(({ file, reason }) => ({
              level: "warning",
              message: { text: `left out: ${reason}` },
              locations: [{ physicalLocation: { artifactLocation: artifact(file) } }],
            })),
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

function ruleObject({ id, name, title, means, fix, references }: Rule, report: Report): object {
  const finding = report.findings.find((one) => one.id === id && one.verdict === "affected");
  const severity = finding?.severity ?? "info";
  const [reference] = references;
  return {
    id,
    name: pascalCase(name),
    shortDescription: { text: title },
    ...(means === undefined ? {} : { fullDescription: { text: means } }),
    ...(fix === undefined ? {} : { help: { text: [fix, ...references].join("\n") } }),
    ...(reference === undefined ? {} : { helpUri: reference }),
    defaultConfiguration: { level: levels[severity] },
    properties: { tags: ["security"], "security-severity": scores[severity] },
  };
}

function result(finding: AuditFinding, index: ReadonlyMap<string, number>): object {
  const { id, severity, verdict, file, line, message, hint, evidence, fingerprint } = finding;
  const text = [
    message,
    ...(evidence === undefined ? [] : [evidence]),
    ...(hint === undefined ? [] : [`Fix: ${hint}`]),
  ].join("\n");
  return {
    ruleId: id,
    ruleIndex: index.get(id),
    // §3.27.9: `open` is a result that could not be decided; its level is `none` (§3.27.10).
    ...(verdict === "unknown" ? { kind: "open", level: "none" } : { kind: "fail", level: levels[severity] }),
    message: { text },
    locations:
      file === undefined
        ? []
        : [
            {
              physicalLocation: {
                artifactLocation: artifact(file),
                ...(line === undefined ? {} : { region: { startLine: line } }),
              },
            },
          ],
    partialFingerprints: { "nixseal/v1": fingerprint },
    properties: { severity, verdict },
  };
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
