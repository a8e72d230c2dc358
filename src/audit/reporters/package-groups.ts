import type { AuditFinding } from "../report.ts";

/** What was found about one version of a package. */
export interface PackageGroup {
  readonly name: string;
  readonly version: string;
  readonly paths: readonly string[];
  readonly findings: readonly AuditFinding[];
}

/** Findings about packages, by package in the order of their worst; all others as they were. */
export function byPackage(findings: readonly AuditFinding[]): {
  readonly packages: readonly PackageGroup[];
  readonly others: readonly AuditFinding[];
} {
  const packages = new Map<
    string,
    { name: string; version: string; paths: string[]; findings: AuditFinding[] }
  >();
  const others: AuditFinding[] = [];
  for (const finding of findings) {
    const { package: name, version = "", paths = [] } = finding;
    if (name === undefined) {
      others.push(finding);
      continue;
    }
    const key = `${name}\0${version}`;
    const group = packages.get(key) ?? { name, version, paths: [], findings: [] };
    packages.set(key, group);
    group.findings.push(finding);
    for (const path of paths) if (!group.paths.includes(path)) group.paths.push(path);
  }
  return { packages: [...packages.values()], others };
}
