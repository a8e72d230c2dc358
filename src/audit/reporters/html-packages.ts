import type { AuditFinding } from "../report.ts";
import { escaped } from "./markup.ts";
import type { PackageGroup } from "./package-groups.ts";
import { referencesOf } from "./rules.ts";

/** Rows of one package that are shown one by one; the others are counted. */
const mostRows = 200;

/** Affected packages with what to do, then those of which it is not known, then what was ruled out. */
export function packageSections(groups: readonly PackageGroup[]): string[] {
  const part = (verdict: AuditFinding["verdict"]): PackageGroup[] =>
    groups.flatMap((group) => {
      const findings = group.findings.filter((finding) => finding.verdict === verdict);
      return findings.length === 0 ? [] : [{ ...group, findings }];
    });
  const [affected, unknown, excluded] = [part("affected"), part("unknown"), part("not-affected")];
  return [
    ...(affected.length === 0
      ? []
      : [`<h2 class="plain">Vulnerable packages</h2>`, ...affected.map(section)]),
    ...(unknown.length === 0
      ? []
      : [
          `<h2 class="plain">May be vulnerable</h2>`,
          `<p class="weak">The evidence does not decide. These are no findings, and no all-clear.</p>`,
          ...unknown.map(section),
        ]),
    ...(excluded.length === 0
      ? []
      : [`<h2 class="plain">Looked into and not affected</h2>`, ...excluded.map(section)]),
  ];
}

function section({ name, version, paths, findings }: PackageGroup): string {
  const place = findings.find(({ file }) => file !== undefined)?.file ?? paths.slice(0, 3).join("\n");
  const more = paths.length > 3 ? ` and ${paths.length - 3} more` : "";
  const rest = findings.length - mostRows;
  return `<section class="package"><h2>${escaped(name)} ${escaped(version)}</h2>${
    place === "" ? "" : `<p class="paths">${escaped(place)}${more}</p>`
  }<table><tbody>${findings.slice(0, mostRows).map(row).join("\n")}</tbody></table>${rest > 0 ? `<p class="weak">and ${rest} more</p>` : ""}</section>`;
}

function row(finding: AuditFinding): string {
  const { id, severity, verdict, score, exploited, evidence, hint, fingerprint } = finding;
  const { message, package: name, version } = finding;
  const kind = verdict === "affected" ? severity : "unknown";
  const shown = verdict === "not-affected" ? "not affected" : severity;
  const prefix = `${name} ${version}: `;
  const [address] = referencesOf(id);
  const label = `<span class="id">${escaped(id)}</span>`;
  const cvss = typeof score === "number" ? `<small>CVSS ${score.toFixed(1)}</small>` : "";
  const known =
    typeof exploited === "string"
      ? ` <span class="exploited">exploited since ${escaped(exploited)}</span>`
      : "";
  return `<tr class="${kind}"><td><span class="tag">${shown}</span>${cvss}</td><td>${
    address === undefined ? label : `<a href="${escaped(address)}">${label}</a>`
  }${known}<br>${escaped(message.startsWith(prefix) ? message.slice(prefix.length) : message)}<small>${escaped(evidence ?? "", 600)}</small></td><td>${
    hint === undefined ? "" : `<span class="fix"><b>Fix:</b> ${escaped(hint)}</span>`
  }<small>${escaped(fingerprint)}</small></td></tr>`;
}
