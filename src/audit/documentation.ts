import { checks, families, familyOf } from "./checks/all.ts";
import type { CheckInfo } from "./checks/check.ts";
import { ownRules } from "./checks/own.ts";

/** docs/audit-checks.md: every check as it describes itself. A test compares the file with this. */
export function checksPage(): string {
  const sections = Object.entries(families).map(([family, title]) =>
    section(
      `${family}: ${title}`,
      checks.filter(({ id }) => familyOf(id) === family),
    ),
  );
  return `# Checks of \`nixseal audit\`

This page is made from the checks themselves. [audit.md](audit.md) says how to read what they find.

${[...sections, section("The audit itself", ownRules)].join("\n")}`;
}

function section(title: string, rules: readonly CheckInfo[]): string {
  return `## ${title}\n\n${rules.map(entry).join("\n")}`;
}

function entry({ id, name, severity, areas, title, means, fix, references }: CheckInfo): string {
  const links = references.map((address) => `<${address}>`).join(", ");
  return `### ${id} ${name}\n\n**${severity}** (${areas.join(", ")}): ${title}.\n\n${means}\n\nFix: ${fix}.\n\nSee ${links}.\n`;
}
