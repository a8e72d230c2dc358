import { checks } from "../checks/all.ts";
import type { CheckInfo } from "../checks/check.ts";
import { ownRules } from "../checks/own.ts";
import type { AuditFinding, Report } from "../report.ts";

const known: ReadonlyMap<string, CheckInfo> = new Map(
  [...checks, ...ownRules].map((check) => [check.id, check]),
);

/** What a reporter says of a rule. */
export interface Rule {
  readonly id: string;
  readonly name: string;
  readonly title: string;
  readonly means: string | undefined;
  readonly fix: string | undefined;
  readonly references: readonly string[];
}

/** `SSH001 root-login`; the identifier alone for rules of the inventory and of secrets, whose identifiers are words. */
export function ruleName(id: string): string {
  const name = known.get(id)?.name;
  return name === undefined ? id : `${id} ${name}`;
}

/** Each rule that the report speaks of, once, in order. */
export function rulesOf(report: Report): Rule[] {
  const first = new Map<string, AuditFinding>();
  for (const finding of [...report.findings, ...report.waived])
    if (!first.has(finding.id)) first.set(finding.id, finding);
  return [...first]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, finding]) => {
      const rule = known.get(id);
      if (rule !== undefined) return rule;
      if (finding.package !== undefined) return ruleOfAdvisory(id, finding);
      const title = id.replaceAll("-", " ");
      return { id, name: id, title, means: undefined, fix: undefined, references: [] };
    });
}

/** An advisory is a rule of its own, so that a forge groups what it finds in several packages. */
function ruleOfAdvisory(id: string, { message, package: name = "", version = "" }: AuditFinding): Rule {
  const prefix = `${name} ${version}: `;
  const title = message.startsWith(prefix) ? message.slice(prefix.length) : message;
  return { id, name: id, title, means: undefined, fix: undefined, references: referencesOf(id) };
}

/** Where the public databases keep their records; others have their own places. */
export function referencesOf(id: string): readonly string[] {
  if (/^CVE-[0-9]{4}-[0-9]{4,}$/.test(id)) return [`https://nvd.nist.gov/vuln/detail/${id}`];
  if (/^GHSA(?:-[0-9a-z]{4}){3}$/.test(id)) return [`https://github.com/advisories/${id}`];
  return [];
}
