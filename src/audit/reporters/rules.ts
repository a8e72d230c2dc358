import { checks } from "../checks/all.ts";
import type { CheckInfo } from "../checks/check.ts";
import { ownRules } from "../checks/own.ts";
import type { Report } from "../report.ts";

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
  const ids = new Set([...report.findings, ...report.waived].map(({ id }) => id));
  return [...ids].sort().map((id) => {
    const rule = known.get(id);
    if (rule !== undefined) return rule;
    const title = id.replaceAll("-", " ");
    return { id, name: id, title, means: undefined, fix: undefined, references: [] };
  });
}
