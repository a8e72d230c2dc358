/** What we know of a vulnerability, whoever said it: every importer makes this, everything else reads it. */
import { severities, type Severity } from "../../core/finding.ts";

export type VersionStatus = "affected" | "unaffected" | "unknown";

/** How versions of a range are ordered; `git` cannot be ordered without the repository's history. */
export const versionTypes = ["custom", "semver", "git", "nix"] as const;
export type VersionType = (typeof versionTypes)[number];

/** Which versions a statement is about. Without `from` and `to` it is about all. */
export interface VersionRange {
  readonly status: VersionStatus;
  readonly type: VersionType;
  readonly from: string | null;
  readonly fromExclusive: boolean;
  readonly to: string | null;
  /** `prefix`: up to everything that begins with `to` (the "5.10.*" of CVE records). */
  readonly end: "before" | "through" | "prefix";
}

/** The kinds of evidence that an advisory's product can be tied to a package by, the best first. */
export const productKinds = ["statement", "output", "purl", "repository", "product"] as const;
export type ProductKind = (typeof productKinds)[number];

/**
 * One product of an advisory. Ranges are read in order and the first that holds a version decides; a version in none is
 * not affected. `name` by kind: statement, a package's name in nixpkgs; output, the 32 digits of a store path; purl, `type/name`;
 * repository, `host/owner/name`; product, what a CPE or a CNA calls it.
 */
export interface AffectedProduct {
  readonly kind: ProductKind;
  readonly name: string;
  /** Of a CPE or CVE record; empty where nobody says. */
  readonly vendor: string;
  /** The CPE's target_sw: in what the product runs. Empty where it does not matter. */
  readonly target: string;
  /** Why a statement says what it says. */
  readonly reason: string;
  /** Who says so: when that source is imported again, what it said before goes. */
  readonly source: string;
  readonly ranges: readonly VersionRange[];
}

/** What only our own advisories say (`database_specific.nixseal` of OSV). */
export interface TeamFields {
  /** The revision of nixpkgs, on each channel, that has the fix. */
  readonly channels?: readonly { readonly channel: string; readonly fixed: string }[] | undefined;
  /** Names of patches that fix it, where no `CVE-…` in the name says so. */
  readonly patches?: readonly string[] | undefined;
  /** Only a configuration in which this option has this value is affected. */
  readonly condition?: { readonly option: string; readonly equals: string | boolean | number } | undefined;
  /** What to stop where nothing can be patched. */
  readonly units?: readonly string[] | undefined;
  /** A store path that can take another's place. */
  readonly graft?: { readonly replace: string; readonly with: string } | undefined;
}

export interface Advisory {
  readonly id: string;
  readonly aliases: readonly string[];
  /** RFC 3339 in UTC; the empty string when the source gives none. */
  readonly published: string;
  readonly modified: string;
  /** Taken back by who published it: nothing is affected. */
  readonly withdrawn: boolean;
  readonly summary: string;
  /** Base score of CVSS, 0 to 10; null when nobody scored it. */
  readonly score: number | null;
  /** In words, where a source says so without a score. */
  readonly rating: Severity | null;
  /** The day on which CISA listed it as exploited. */
  readonly exploited: string | null;
  /** EPSS: the probability of exploitation in the next 30 days. */
  readonly epss: number | null;
  readonly references: readonly string[];
  readonly affected: readonly AffectedProduct[];
  readonly team: TeamFields;
}

/** What is accepted of one advisory; the largest real ones stay far below. */
export const advisoryLimits = {
  text: 4096,
  summary: 160,
  aliases: 64,
  references: 256,
  products: 4096,
  ranges: 20_000,
  version: 256,
  name: 256,
} as const;

export const emptyAdvisory: Omit<Advisory, "id"> = {
  aliases: [],
  published: "",
  modified: "",
  withdrawn: false,
  summary: "",
  score: null,
  rating: null,
  exploited: null,
  epss: null,
  references: [],
  affected: [],
  team: {},
};

/**
 * CVSS's own scale. Nobody's score is `medium`, so that no threshold hides what was not judged yet; what is exploited
 * already is at least `high`.
 */
export function severityOf({
  score,
  rating,
  exploited,
}: Pick<Advisory, "score" | "rating" | "exploited">): Severity {
  const scored = score === null ? (rating ?? "medium") : severityOfScore(score);
  return exploited !== null && severities.indexOf(scored) < severities.indexOf("high") ? "high" : scored;
}

function severityOfScore(score: number): Severity {
  if (score >= 9) return "critical";
  if (score >= 7) return "high";
  if (score >= 4) return "medium";
  return score > 0 ? "low" : "info";
}

/** All versions, with this status. */
export function everyVersion(status: VersionStatus, type: VersionType = "custom"): VersionRange {
  return { status, type, from: null, fromExclusive: false, to: null, end: "before" };
}

/** This version and no other. */
export function exactly(version: string, status: VersionStatus, type: VersionType = "custom"): VersionRange {
  return { status, type, from: version, fromExclusive: false, to: version, end: "through" };
}

/** Names as they are compared: CPE writes `linux_kernel`, others `linux-kernel` or `Linux Kernel`. */
export function normalName(text: string): string {
  return text
    .trim()
    .toLowerCase()
    .replace(/[\s_]+/g, "-");
}
