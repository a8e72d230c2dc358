import { createHash } from "node:crypto";
import { purlKey } from "../advisories/purl.ts";
import type { AuditFinding, Report, WaivedFinding } from "../report.ts";
import { answerLines } from "./answer-text.ts";
import { referencesOf } from "./rules.ts";

/**
 * CycloneDX 1.6 with what it calls VEX: the packages that something was said of, and each vulnerability with the state of its
 * analysis. Findings of checks are no vulnerabilities of components and do not stand in it.
 */
export function vexReport(report: Report): string {
  const about = [...report.findings, ...report.waived].filter((finding) => finding.package !== undefined);
  const components = new Map(about.map((finding) => [referenceTo(finding), component(finding)]));
  const body = {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      timestamp: report.at,
      tools: { components: [{ type: "application", name: "nixseal" }] },
      component: { type: "operating-system", "bom-ref": "target", name: report.target },
      properties: answerProperties(report),
    },
    components: [...components.values()],
    vulnerabilities: vulnerabilities(about),
  };
  // The same findings at the same time are the same document; there is nothing random in it.
  const { $schema, ...rest } = { $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", ...body };
  return `${JSON.stringify({ $schema, serialNumber: serialNumber(JSON.stringify(body)), ...rest }, null, 2)}\n`;
}

/** `pkg:nix/NAME@VERSION`, as `advisories import vex` reads it back. */
function referenceTo({ package: name = "", version = "" }: AuditFinding): string {
  return `pkg:${purlKey("nix", encodeURIComponent(name))}@${encodeURIComponent(version)}`;
}

function component(finding: AuditFinding): object {
  const { package: name, version, paths = [] } = finding;
  const reference = referenceTo(finding);
  return {
    type: "library",
    "bom-ref": reference,
    name,
    version,
    purl: reference,
    properties: paths.map((path) => ({ name: "nix:output_path", value: path })),
  };
}

/** One entry for each advisory and state of analysis: two packages may differ. */
function vulnerabilities(findings: readonly AuditFinding[]): object[] {
  const groups = new Map<string, { analysis: object; findings: AuditFinding[] }>();
  for (const finding of findings) {
    const analysis = analysisOf(finding);
    const key = `${finding.id}\0${JSON.stringify(analysis)}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { analysis, findings: [finding] });
    else group.findings.push(finding);
  }
  return Array.from(groups.values(), ({ analysis, findings: same }) => {
    const [first] = same;
    return vulnerability(first!, analysis, same);
  });
}

function vulnerability(
  { id, severity, score, aliases = [], message, package: name, version, hint }: AuditFinding,
  analysis: object,
  same: readonly AuditFinding[],
): object {
  const prefix = `${name} ${version}: `;
  const [url] = referencesOf(id);
  return {
    id,
    ...(url === undefined ? {} : { source: { url } }),
    ...(aliases.length === 0 ? {} : { references: aliases.map((alias) => ({ id: alias, source: {} })) }),
    ratings: [{ ...(typeof score === "number" ? { score } : {}), severity }],
    description: message.startsWith(prefix) ? message.slice(prefix.length) : message,
    ...(hint === undefined ? {} : { recommendation: hint }),
    analysis,
    affects: same.map((finding) => ({
      ref: referenceTo(finding),
      versions: [{ version: finding.version, status: statuses[finding.verdict] }],
    })),
  };
}

const statuses = { affected: "affected", "not-affected": "unaffected", unknown: "unknown" } as const;

/**
 * `exploitable` is CycloneDX's word for what others call affected. A patch is a `pedigree`; a configuration, a statement or a
 * version say that it is not affected, each with its reason in `detail`.
 */
function analysisOf(finding: AuditFinding): object {
  const { verdict, because, evidence = "" } = finding;
  const waiver = waiverOf(finding);
  if (waiver !== null)
    return {
      state: verdict === "affected" ? "exploitable" : "in_triage",
      response: ["will_not_fix"],
      detail: `waived until ${waiver.until} by ${waiver.owner}: ${waiver.because}`,
    };
  if (verdict === "affected") return { state: "exploitable", response: ["update"], detail: evidence };
  if (verdict === "unknown") return { state: "in_triage", detail: evidence };
  if (because === "patch") return { state: "resolved_with_pedigree", detail: evidence };
  const justification = because === "configuration" ? { justification: "requires_configuration" } : {};
  return { state: "not_affected", ...justification, detail: evidence };
}

function waiverOf(finding: AuditFinding): WaivedFinding["waiver"] | null {
  return "waiver" in finding ? (finding as WaivedFinding).waiver : null;
}

function answerProperties({ vulnerabilities: answer }: Report): object[] {
  if (answer === null) return [];
  return [
    { name: "nixseal:advisories", value: answer.state },
    ...(answer.coverage === null
      ? []
      : [{ name: "nixseal:coverage-percent", value: String(answer.coverage.percent) }]),
    ...answerLines(answer).map((value) => ({ name: "nixseal:note", value })),
  ];
}

/** A UUID of version 8 (RFC 9562, §5.8): made of the document's hash. */
function serialNumber(text: string): string {
  const digest = createHash("sha256").update(text).digest();
  digest[6] = (digest[6]! & 0x0f) | 0x80;
  digest[8] = (digest[8]! & 0x3f) | 0x80;
  const hex = digest.toString("hex");
  return `urn:uuid:${[hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-")}`;
}
