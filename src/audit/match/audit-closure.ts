/** Vulnerabilities of a closure: every package against every advisory that knows a name of it. */
import { severities } from "../../core/finding.ts";
import type { TeamFields } from "../advisories/advisory.ts";
import type { IndexedRow } from "../advisories/index/read.ts";
import type { AdvisorySet, Layer } from "../advisories/advisory-set.ts";
import type { Inventory, Package } from "../packages/package.ts";
import { judge, type Circumstances } from "./decide.ts";
import { vulnerabilityFinding, type LocatedStatement, type VulnerabilityFinding } from "./finding.ts";
import { candidatesOf, versionForm } from "./identity.ts";
import { VersionQuestion } from "./product-rows.ts";

/** How much of the closure the advisories can say anything about: silence about the rest is not safety. */
export interface Coverage {
  readonly packages: number;
  /** Of these, those that an advisory knows by more than their bare name. */
  readonly known: number;
  /** Whole per cent, rounded down; 0 for a closure without packages. */
  readonly percent: number;
  /** Paths without a version, which no advisory is about. */
  readonly others: number;
}

export interface VulnerabilityReport {
  /** The worst first. Without `all`: affected, unknown, and not affected where it is not just the version. */
  readonly findings: readonly VulnerabilityFinding[];
  readonly coverage: Coverage;
  /** Advisories that know the package and whose ranges do not hold its version. */
  readonly outOfRange: number;
  /** Since when the advisories are too old to say that anything is clean; null while they are not. */
  readonly staleSince: Date | null;
}

export interface AuditOptions {
  readonly all?: boolean | undefined;
  /** What the configuration says, where it was looked at. */
  readonly holds?: Circumstances["holds"] | undefined;
}

export function auditClosure(
  inventory: Inventory,
  advisories: AdvisorySet,
  now: Date,
  { all = false, holds = () => null }: AuditOptions = {},
): VulnerabilityReport {
  const findings: VulnerabilityFinding[] = [];
  let [known, outOfRange] = [0, 0];
  for (const found of inventory.packages) {
    const { identified, statements } = statementsAbout(found, advisories);
    if (identified) known++;
    for (const [first, ...rest] of statements.values()) {
      const finding = findingOf(found, [first!, ...rest], holds, advisories.critical);
      if (finding.because === "version" && finding.verdict === "not-affected") outOfRange++;
      if (all || finding.because !== "version" || finding.verdict !== "not-affected") findings.push(finding);
    }
  }
  const packages = inventory.packages.length;
  return {
    findings: findings.sort(worstFirst),
    coverage: {
      packages,
      known,
      percent: packages === 0 ? 0 : Math.floor((known * 100) / packages),
      others: inventory.others,
    },
    outOfRange,
    staleSince: advisories.expires !== null && now >= advisories.expires ? advisories.expires : null,
  };
}

interface Found {
  readonly identified: boolean;
  /** By the layer and the number of the advisory in it. */
  readonly statements: ReadonlyMap<string, LocatedStatement[]>;
}

function statementsAbout(found: Package, { layers }: AdvisorySet): Found {
  const candidates = candidatesOf(found);
  const statements = new Map<string, LocatedStatement[]>();
  let identified = false;
  for (const [number, layer] of layers.entries()) {
    const question = new VersionQuestion(layer.index, found.version, versionForm(found.name));
    for (const candidate of candidates) {
      const rows = layer.index.find(candidate.key);
      if (rows === null) continue;
      const kindOf = memo((qualifier) => candidate.fits(layer.index.qualifier(qualifier)));
      const wanted = (row: IndexedRow): boolean =>
        kindOf(row.qualifier) !== null && !layer.hidden.has(row.advisory);
      for (const { advisory, qualifier, decided, commitsOnly } of question.answers(rows, wanted)) {
        const kind = kindOf(qualifier)!;
        if (kind !== "name") identified = true;
        // What was said of other versions says nothing of this one.
        if (decided === null && kind === "team") continue;
        const key = `${number}:${advisory}`;
        const list = statements.get(key) ?? [];
        list.push({
          kind,
          status: decided?.status ?? "unaffected",
          commitsOnly,
          reason: layer.index.qualifier(qualifier).reason,
          index: layer.index,
          advisory,
          product: productText(layer, candidate.key, qualifier),
          row: decided?.range ?? null,
        });
        statements.set(key, list);
      }
    }
  }
  return { identified, statements };
}

function productText({ index }: Layer, key: string, qualifier: number): string {
  const { vendor } = index.qualifier(qualifier);
  const name = key.slice(key.indexOf(":") + 1);
  return vendor === "" ? name : `${vendor}:${name}`;
}

function findingOf(
  found: Package,
  statements: [LocatedStatement, ...LocatedStatement[]],
  holds: Circumstances["holds"],
  critical: ReadonlySet<string>,
): VulnerabilityFinding {
  const [{ index, advisory: number }] = statements;
  const advisory = index.advisory(number);
  const team: TeamFields | null = index.teamFields(number);
  const names = [advisory.id, ...advisory.aliases];
  const judgement = judge(statements, { names, patches: found.patches, team, holds });
  const mayAct = judgement.verdict === "affected" && critical.has(advisory.id);
  return vulnerabilityFinding(found, advisory, judgement, team, mayAct);
}

function worstFirst(a: VulnerabilityFinding, b: VulnerabilityFinding): number {
  const rank = { affected: 0, unknown: 1, "not-affected": 2 } as const;
  return (
    rank[a.verdict ?? "unknown"] - rank[b.verdict ?? "unknown"] ||
    severities.indexOf(b.severity) - severities.indexOf(a.severity) ||
    Number(b.exploited !== null) - Number(a.exploited !== null) ||
    (b.epss ?? 0) - (a.epss ?? 0) ||
    (a.package < b.package ? -1 : a.package > b.package ? 1 : 0) ||
    (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
  );
}

function memo<Result>(compute: (argument: number) => Result): (argument: number) => Result {
  const known = new Map<number, Result>();
  return (argument) => {
    if (known.has(argument)) return known.get(argument)!;
    const result = compute(argument);
    known.set(argument, result);
    return result;
  };
}
