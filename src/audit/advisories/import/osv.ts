/** OSV, schema 1.x, with our own fields in `database_specific.nixseal`. */
import { NixsealError } from "../../../core/errors.ts";
import { severities, type Severity } from "../../../core/finding.ts";
import type { Field } from "../../../nix/json-fields.ts";
import {
  advisoryLimits as limits,
  emptyAdvisory,
  exactly,
  everyVersion,
  type Advisory,
  type AffectedProduct,
  type VersionRange,
  type VersionType,
} from "../advisory.ts";
import { baseScore } from "../cvss.ts";
import { readExactFields } from "../exact-fields.ts";
import { advisoryId, document, items, optionalText, prose, shortText, time } from "../fields.ts";
import { parsePurl, purlKey } from "../purl.ts";
import { repositoryKey } from "../repository.ts";
import { eventRanges } from "./osv-events.ts";

/** Of one advisory's file. */
const largestFile = 16 << 20;

/** By OSV's names, up to the colon. Distributions are not here: their versions are their own. */
const ecosystems: Readonly<Record<string, { readonly type: string; readonly versions: VersionType }>> = {
  nixpkgs: { type: "nix", versions: "nix" },
  PyPI: { type: "pypi", versions: "custom" },
  npm: { type: "npm", versions: "semver" },
  Go: { type: "golang", versions: "semver" },
  "crates.io": { type: "cargo", versions: "semver" },
  RubyGems: { type: "gem", versions: "custom" },
  Packagist: { type: "composer", versions: "custom" },
  Hackage: { type: "hackage", versions: "custom" },
  CPAN: { type: "cpan", versions: "custom" },
  CRAN: { type: "cran", versions: "custom" },
  Hex: { type: "hex", versions: "semver" },
  Maven: { type: "maven", versions: "custom" },
  NuGet: { type: "nuget", versions: "semver" },
  Pub: { type: "pub", versions: "semver" },
};

/** Throws `malformed` or `limit`, naming the field. */
export function parseOsv(bytes: Uint8Array): Advisory {
  return osvAdvisory(document(bytes, "OSV advisory", largestFile));
}

export function osvAdvisory(top: Field): Advisory {
  const affected = items(top.get("affected"), limits.products);
  const own = top.get("database_specific");
  const ours = own.isObject && own.has("nixseal") ? readExactFields(own.get("nixseal")) : null;
  const vector = items(top.get("severity"), 16)
    .filter((item) => shortText(item.get("type"), 32).startsWith("CVSS_V3"))
    .map((item) => baseScore(shortText(item.get("score"), 256)))
    .find((score) => score !== null);
  const id = advisoryId(top.get("id"));
  return {
    ...emptyAdvisory,
    id,
    aliases: items(top.get("aliases"), limits.aliases).map(advisoryId),
    published: time(top.get("published")),
    modified: time(top.get("modified")),
    withdrawn: !top.get("withdrawn").isNull,
    summary: prose(top.get("summary").isNull ? top.get("details") : top.get("summary"), limits.summary),
    score: vector ?? null,
    rating: own.isObject ? rating(own.get("severity")) : null,
    references: items(top.get("references"), limits.references).map((item) => prose(item.get("url"), 500)),
    affected: affected.flatMap((item) => products(item, `osv:${id}`)),
    ...ours,
  };
}

/** GitHub says it in words. */
function rating(field: Field): Severity | null {
  if (typeof field.value !== "string") return null;
  const word = field.value.toLowerCase();
  return word === "moderate" ? "medium" : (severities.find((known) => known === word) ?? null);
}

function products(affected: Field, source: string): AffectedProduct[] {
  const found: AffectedProduct[] = [];
  const common = { vendor: "", target: "", reason: "", source };
  const ranges = items(affected.get("ranges"), limits.ranges);
  const versions = items(affected.get("versions"), limits.ranges).map((item) =>
    shortText(item, limits.version),
  );
  const named = affected.get("package");
  if (!named.isNull) {
    const [ecosystem] = shortText(named.get("ecosystem"), 64).split(":");
    const known = Object.hasOwn(ecosystems, ecosystem!) ? ecosystems[ecosystem!]! : null;
    if (known !== null) {
      const name = named.get("purl").isNull
        ? purlKey(known.type, shortText(named.get("name"), limits.name))
        : named.get("purl").parsed((text) => parsePurl(text).key);
      const own = ranges
        .filter((range) => range.get("type").value !== "GIT")
        .flatMap((range) => intervals(range, known.versions));
      // The list repeats what the ranges say, except where there are none.
      const listed =
        own.length > 0 ? [] : versions.map((version) => exactly(version, "affected", known.versions));
      // OSV: neither ranges nor versions is every version.
      const all = ranges.length === 0 && versions.length === 0 ? [everyVersion("affected")] : [];
      found.push({ ...common, kind: "purl", name, ranges: [...own, ...listed, ...all] });
    }
  }
  for (const range of ranges.filter((one) => one.get("type").value === "GIT")) {
    const name = repositoryKey(shortText(range.get("repo"), 1024));
    if (name === null) continue;
    // Tags are how a package can be placed; a commit alone can only be compared with itself.
    const tags = versions.map((version) => exactly(tagVersion(version), "affected"));
    found.push({
      ...common,
      kind: "repository",
      name,
      ranges: tags.length > 0 ? tags : intervals(range, "git"),
    });
  }
  return found.filter((product) => product.ranges.length > 0);
}

function intervals(range: Field, ecosystem: VersionType): VersionRange[] {
  const type = shortText(range.get("type"), 32);
  if (type !== "SEMVER" && type !== "ECOSYSTEM" && type !== "GIT")
    throw range.get("type").wrong("SEMVER, ECOSYSTEM or GIT");
  const events = items(range.get("events"), limits.ranges).map((event) => ({
    introduced: optionalText(event.get("introduced"), limits.version),
    fixed: optionalText(event.get("fixed"), limits.version),
    lastAffected: optionalText(event.get("last_affected"), limits.version),
  }));
  if (events.length === 0)
    throw new NixsealError("malformed", `${range.name}.events: expected at least one event`);
  return eventRanges(events, type === "SEMVER" ? "semver" : ecosystem);
}

/** `v1.2.3`, `release-1.2.3`, `openssl-1.1.1w`: the version in a tag. */
function tagVersion(tag: string): string {
  return /(?:^|[^0-9A-Za-z.])v?([0-9].*)$/i.exec(tag)?.[1] ?? tag;
}
