/** A judgement as a finding: what people and programs read. */
import type { Finding } from "../../core/finding.ts";
import type { AdvisoryIndex, IndexedAdvisory } from "../advisories/index/read.ts";
import type { TeamFields } from "../advisories/advisory.ts";
import type { Package } from "../packages/package.ts";
import type { Judgement, Statement } from "./decide.ts";

/** What a finding about a package says beside its verdict. */
export interface VulnerabilityFacts {
  readonly package: string;
  readonly version: string;
  readonly paths: readonly string[];
  readonly aliases: readonly string[];
  readonly because: Judgement["because"];
  readonly score: number | null;
  readonly epss: number | null;
  readonly exploited: string | null;
  /** More signatures than usual say that hosts may act on it by themselves. */
  readonly mayAct: boolean;
  /** What the team says to stop where nothing can be patched. */
  readonly units: readonly string[];
}

/** `id` is the advisory's. */
export interface VulnerabilityFinding extends Finding, VulnerabilityFacts {}

/** A statement with the place in the index that it comes from. */
export interface LocatedStatement extends Statement {
  readonly index: AdvisoryIndex;
  /** `vendor:product`, a package URL, a repository. */
  readonly product: string;
  /** The row that decided; null when none holds the version. */
  readonly row: number | null;
}

export function vulnerabilityFinding(
  found: Package,
  advisory: IndexedAdvisory,
  { verdict, because, statement, note }: Judgement<LocatedStatement>,
  team: TeamFields | null,
  mayAct: boolean,
): VulnerabilityFinding {
  const range = statement.row === null ? "no range holds it" : rangeText(statement.index, statement.row);
  const unseen = verdict === "affected" && because === "version" && found.patches === null;
  const evidence = [
    `${statement.kind} ${statement.product}: ${range}`,
    note,
    unseen ? "patches are not visible here: the derivations show them" : "",
  ];
  return {
    id: advisory.id,
    severity: advisory.severity,
    verdict,
    package: found.name,
    version: found.version,
    paths: found.paths,
    aliases: advisory.aliases,
    message: `${found.name} ${found.version}: ${advisory.summary || advisory.id}`,
    hint: verdict === "not-affected" ? undefined : hintOf(found, statement, team),
    evidence: evidence.filter((part) => part !== "").join("; "),
    because,
    score: advisory.score,
    epss: advisory.epss,
    exploited: advisory.exploited,
    mayAct,
    units: team?.units ?? [],
  };
}

function hintOf(
  { name }: Package,
  { index, row }: LocatedStatement,
  team: TeamFields | null,
): string | undefined {
  if (team?.graft !== undefined) return `${team.graft.with} can take its place until nixpkgs has the fix`;
  if (row === null || index.rowTo(row) === 0) return undefined;
  const { status, type, end: kind } = index.rowFlags(row);
  if (status !== "affected" || type === "git") return undefined;
  const end = index.text(index.rowTo(row));
  return kind === "before" ? `update ${name} to ${end} or later` : `update ${name} to a version after ${end}`;
}

/** As people write it: `3.0.0 <= version < 3.0.7`. */
function rangeText(index: AdvisoryIndex, row: number): string {
  const { fromExclusive, end, status } = index.rowFlags(row);
  const [from, to] = [index.text(index.rowFrom(row)), index.text(index.rowTo(row))];
  const low = from === "" ? "" : `${from} ${fromExclusive ? "<" : "<="} `;
  const high = to === "" ? "" : ` ${end === "before" ? "<" : "<="} ${end === "prefix" ? `${to}.*` : to}`;
  return `${status} ${low === "" && high === "" ? "every version" : `${low}version${high}`}`;
}
