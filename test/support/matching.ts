/** Asking the matcher about one package: for cases with known answers. */
import assert from "node:assert/strict";
import type { Verdict } from "../../src/core/finding.ts";
import { utf8 } from "../../src/core/bytes.ts";
import { type Advisory } from "../../src/audit/advisories/advisory.ts";
import { advisorySet } from "../../src/audit/advisories/advisory-set.ts";
import { parseNvd } from "../../src/audit/advisories/import/nvd.ts";
import { buildIndex } from "../../src/audit/advisories/index/build.ts";
import { AdvisoryIndex } from "../../src/audit/advisories/index/read.ts";
import { onlyNamed } from "../../src/audit/packages/collect.ts";
import type { Package } from "../../src/audit/packages/package.ts";
import { packageOf } from "../../src/audit/packages/store-name.ts";
import { auditClosure } from "../../src/audit/match/audit-closure.ts";

export const now = new Date("2026-06-01T00:00:00Z");
export const digest = "0".repeat(32);

export function from(name: string, more: Partial<Package> = {}): Package {
  const found = packageOf(name);
  assert.ok(found !== null, `${name} is a package`);
  return { ...found, paths: [`/nix/store/${digest}-${name}`], ...onlyNamed, ...more };
}

export function ask(found: Package, ...advisories: readonly Advisory[]) {
  const set = advisorySet([new AdvisoryIndex(buildIndex(advisories))], null);
  return auditClosure({ packages: [found], others: 0 }, set, now, { all: true });
}

export function verdicts(found: Package, ...advisories: readonly Advisory[]): (Verdict | undefined)[] {
  return ask(found, ...advisories).findings.map(({ verdict }) => verdict);
}

/** By NVD's own format: `cpe` with a range. */
export function nvd(cpe: string, range: Readonly<Record<string, string>> = {}, platform?: string): Advisory {
  const match = { vulnerable: true, criteria: cpe, ...range };
  const nodes = [{ operator: "OR", negate: false, cpeMatch: [match] }];
  if (platform !== undefined)
    nodes.push({
      operator: "OR",
      negate: false,
      cpeMatch: [{ vulnerable: false, criteria: platform }],
    });
  const cve = {
    id: "CVE-2026-0001",
    published: "2026-01-01T00:00:00.000",
    lastModified: "2026-01-01T00:00:00.000",
    vulnStatus: "Analyzed",
    descriptions: [],
    metrics: {},
    references: [],
    configurations: [{ operator: "AND", nodes }],
  };
  return parseNvd(
    utf8(JSON.stringify({ format: "NVD_CVE", version: "2.0", vulnerabilities: [{ cve }] })),
  )[0]!;
}

export const before = (vendor: string, product: string, version: string): Advisory =>
  nvd(`cpe:2.3:a:${vendor}:${product}:*:*:*:*:*:*:*:*`, { versionEndExcluding: version });
export const through = (vendor: string, product: string, version: string): Advisory =>
  nvd(`cpe:2.3:a:${vendor}:${product}:*:*:*:*:*:*:*:*`, { versionEndIncluding: version });
