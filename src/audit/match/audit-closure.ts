/** Vulnerabilities of a closure: every package against every advisory that knows a name of it. */
import { severities } from "../../core/finding.ts";
import type { TeamFields } from "../advisories/advisory.ts";
import type { AdvisorySet } from "../advisories/advisory-set.ts";
import type { AdvisoryIndex } from "../advisories/index/read.ts";
import type { Inventory, Package } from "../packages/package.ts";
import { judge, type Circumstances } from "./decide.ts";
import { vulnerabilityFinding, type LocatedStatement, type VulnerabilityFinding } from "./finding.ts";
import { candidatesOf, versionForm, type Candidate, type EvidenceKind } from "./identity.ts";
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
    for (const about of statements) {
      const isOut = isOutOfRange(about.statements);
      if (isOut) outOfRange++;
      if (all || !isOut) findings.push(findingOf(found, about, holds, advisories.critical));
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

/** What the products of one advisory say about one package. */
interface About {
  readonly index: AdvisoryIndex;
  readonly advisory: number;
  readonly statements: readonly LocatedStatement[];
}

interface Found {
  readonly identified: boolean;
  readonly statements: readonly About[];
}

/** What a row's qualifier means for the package; the same for many rows. */
interface Tie {
  readonly kind: EvidenceKind;
  readonly reason: string;
  readonly product: string;
  /** What thousands of advisories say, that their ranges leave the version out: made once. */
  readonly silent: readonly LocatedStatement[];
  readonly silentOfCommits: readonly LocatedStatement[];
}

function statementsAbout(found: Package, { layers }: AdvisorySet): Found {
  const candidates = candidatesOf(found);
  const statements: About[] = [];
  let identified = false;
  for (const { index, hidden } of layers) {
    const byAdvisory = new Map<number, readonly LocatedStatement[]>();
    const question = new VersionQuestion(index, found.version, versionForm(found.name));
    for (const candidate of candidates) {
      const rows = index.knows(candidate.kind) ? index.find(candidate.key) : null;
      if (rows === null) continue;
      const tieOf = memo((qualifier) => tie(index, candidate, qualifier));
      const wanted = (advisory: number, qualifier: number): boolean =>
        tieOf(qualifier) !== null && !hidden.has(advisory);
      for (const { advisory, qualifier, status, row, commitsOnly } of question.answers(rows, wanted)) {
        const { kind, reason, product, silent, silentOfCommits } = tieOf(qualifier)!;
        identified ||= kind !== "name";
        // What was said of other versions says nothing of this one.
        if (status === null && (kind === "team" || kind === "output")) continue;
        const said =
          status === null
            ? commitsOnly
              ? silentOfCommits
              : silent
            : [{ kind, status, commitsOnly, reason, index, product, row }];
        const before = byAdvisory.get(advisory);
        byAdvisory.set(advisory, before === undefined ? said : [...before, ...said]);
      }
    }
    for (const [advisory, said] of byAdvisory) statements.push({ index, advisory, statements: said });
  }
  return { identified, statements };
}

function tie(index: AdvisoryIndex, { key, fits }: Candidate, number: number): Tie | null {
  const qualifier = index.qualifier(number);
  const kind = fits(qualifier);
  if (kind === null) return null;
  const name = key.slice(key.indexOf(":") + 1);
  const { vendor, reason } = qualifier;
  const product = vendor === "" ? name : `${vendor}:${name}`;
  const silent = {
    kind,
    status: "unaffected",
    commitsOnly: false,
    reason,
    index,
    product,
    row: null,
  } as const;
  return { kind, reason, product, silent: [silent], silentOfCommits: [{ ...silent, commitsOnly: true }] };
}

/** The common case by far, decided without looking the advisory up: every range of every source leaves the version out. */
function isOutOfRange(statements: readonly LocatedStatement[]): boolean {
  return statements.every(
    ({ kind, status }) => status === "unaffected" && kind !== "team" && kind !== "output",
  );
}

function findingOf(
  found: Package,
  { index, advisory: number, statements }: About,
  holds: Circumstances["holds"],
  critical: ReadonlySet<string>,
): VulnerabilityFinding {
  const [first, ...rest] = statements;
  const advisory = index.advisory(number);
  const team: TeamFields | null = index.teamFields(number);
  const names = [advisory.id, ...advisory.aliases];
  const judgement = judge([first!, ...rest], { names, patches: found.patches, team, holds });
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
