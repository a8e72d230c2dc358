import { severities } from "../../core/finding.ts";
import type { AuditFinding, Report } from "../report.ts";
import { htmlPage } from "./html-page.ts";
import { escaped } from "./markup.ts";
import { answerLines } from "./answer-text.ts";
import { packageSections } from "./html-packages.ts";
import { byPackage } from "./package-groups.ts";
import { ruleName, rulesOf } from "./rules.ts";

/** For people, on a screen and on paper: findings by file, packages, then what was looked at. */
export function htmlReport(report: Report): string {
  const affected = report.findings.filter(({ verdict }) => verdict === "affected");
  const unknown = report.findings.filter(({ verdict }) => verdict === "unknown");
  const { packages, others } = byPackage(report.findings);
  const stale = report.vulnerabilities !== null && report.vulnerabilities.state === "stale";
  const open = others.filter(({ verdict }) => verdict === "unknown");
  const clean = stale
    ? ""
    : `<p class="clean">Nothing was found${unknown.length > 0 ? ", but not everything could be told" : ""}.</p>`;
  const parts = [
    `<h1>Audit of ${escaped(report.target)}</h1>`,
    `<p class="weak">${escaped(report.at.slice(0, 16).replace("T", " "))} UTC · ${escaped(report.only.join(", "))}</p>`,
    stale ? `<p class="stale">${escaped(answerLines(report.vulnerabilities)[0] ?? "", 600)}</p>` : "",
    counts(affected, unknown.length, report.waived.length),
    affected.length === 0 ? clean : "",
    ...byFile(others.filter(({ verdict }) => verdict === "affected")),
    ...packageSections(packages),
    ...(open.length === 0
      ? []
      : [
          `<h2 class="plain">Could not be told</h2>`,
          `<p class="weak">The source alone does not say. These are no findings, and no all-clear.</p>`,
          ...open.map((finding) => card(finding, true)),
        ]),
    ...waived(report),
    coverage(report),
    rules(report),
  ];
  const title = `Audit of ${report.target}: ${affected.length} findings`;
  return htmlPage(title, "", parts.filter((part) => part !== "").join("\n"));
}

function counts(affected: readonly AuditFinding[], unknown: number, waivedCount: number): string {
  const cells = severities
    .toReversed()
    .map(
      (severity) => [severity, affected.filter((finding) => finding.severity === severity).length] as const,
    );
  const all = [
    ...cells.filter(([severity, count]) => severity !== "info" || count > 0),
    ["unknown", unknown] as const,
    ["waived", waivedCount] as const,
  ];
  return `<ul class="counts">${all.map(([what, count]) => `<li class="${count === 0 ? "none" : what}"><b>${count}</b>${what}</li>`).join("")}</ul>`;
}

function byFile(findings: readonly AuditFinding[]): string[] {
  const files = new Map<string, AuditFinding[]>();
  for (const finding of findings) {
    const file = finding.file ?? "the target as a whole";
    files.set(file, [...(files.get(file) ?? []), finding]);
  }
  return Array.from(
    files,
    ([file, list]) =>
      `<section><h2>${escaped(file)}</h2>\n${list.map((finding) => card(finding, false)).join("\n")}</section>`,
  );
}

function card(
  { id, severity, verdict, file, line, message, hint, evidence, fingerprint }: AuditFinding,
  withFile: boolean,
): string {
  const kind = verdict === "unknown" ? "unknown" : severity;
  const place = [
    ...(withFile && file !== undefined ? [escaped(file)] : []),
    ...(line === undefined ? [] : [`line ${line}`]),
  ].join(", ");
  return `<article class="${kind}"><header><span class="tag">${kind}</span><h3>${escaped(message)}</h3><span class="place">${place}</span></header>${
    evidence === undefined ? "" : `<p><code>${escaped(evidence)}</code></p>`
  }${hint === undefined ? "" : `<p class="fix"><b>Fix:</b> ${escaped(hint)}</p>`}<p class="rule">${escaped(ruleName(id))} · ${escaped(fingerprint)}</p></article>`;
}

function waived({ waived: list }: Report): string[] {
  if (list.length === 0) return [];
  const rows = list.map(
    ({ id, file, line, message, waiver }) =>
      `<tr><td>${escaped(message)}<br><span class="place">${escaped(file ?? id)}${line === undefined ? "" : `:${line}`}</span></td><td>${escaped(waiver.because)}</td><td>${escaped(waiver.owner)}</td><td>${escaped(waiver.until)}</td></tr>`,
  );
  return [
    `<h2 class="plain">Waived</h2><table><thead><tr><th>Finding</th><th>Because</th><th>Owner</th><th>Until</th></tr></thead><tbody>${rows.join("")}</tbody></table>`,
  ];
}

function coverage({
  coverage: { files, read, asked, known, leftOut, leftOutCount },
  vulnerabilities,
}: Report): string {
  const percent = asked === 0 ? 100 : Math.floor((100 * known) / asked);
  const rows = leftOut
    .map(({ file, reason }) => `<tr><td><code>${escaped(file)}</code></td><td>${escaped(reason)}</td></tr>`)
    .join("");
  const ofFiles =
    files === 0
      ? ""
      : `<p>${read} of ${files} files. Of ${asked} option values that checks asked for, ${percent} % are known from the source.</p>`;
  const ofPackages = (vulnerabilities === null ? [] : answerLines(vulnerabilities))
    .map((line) => `<p>${escaped(line, 600)}.</p>`)
    .join("");
  return `<h2 class="plain">What was looked at</h2>${ofFiles}${ofPackages}${
    leftOutCount === 0 ? "" : `<p>${leftOutCount} left out:</p><table><tbody>${rows}</tbody></table>`
  }`;
}

function rules(report: Report): string {
  const rows = rulesOf(report)
    .filter(({ means }) => means !== undefined)
    .map(({ id, means, references }) => {
      const links = references
        .map((address) => `<a href="${escaped(address)}">${escaped(new URL(address).hostname)}</a>`)
        .join(" ");
      return `<tr><td>${escaped(ruleName(id))}</td><td>${escaped(means ?? "")} ${links}</td></tr>`;
    });
  return rows.length === 0
    ? ""
    : `<h2 class="plain">What the rules mean</h2><table><tbody>${rows.join("")}</tbody></table>`;
}
