/** CVE Record Format 5.x: what the numbering authority (`cna`) and enrichers (`adp`) say. */
import { NixsealError } from "../../../core/errors.ts";
import type { Field } from "../../../nix/json-fields.ts";
import {
  advisoryLimits as limits,
  emptyAdvisory,
  everyVersion,
  normalName,
  type Advisory,
  type AffectedProduct,
  type VersionRange,
  type VersionStatus,
  type VersionType,
} from "../advisory.ts";
import { parseCpe } from "../cpe.ts";
import { purlKey } from "../purl.ts";
import { repositoryKey } from "../repository.ts";
import { advisoryId, document, items, optionalText, prose, score, shortText, time } from "../fields.ts";

const largestFile = 16 << 20;
/** Characters, by the schema of CVE records. */
const largestName = 2048;
const registries: readonly (readonly [collection: RegExp, purlType: string])[] = [
  [/^https:\/\/(?:registry\.npmjs\.org|(?:www\.)?npmjs\.com)(?:\/|$)/, "npm"],
  [/^https:\/\/pypi\.(?:org|python\.org)(?:\/|$)/, "pypi"],
  [/^https:\/\/rubygems\.org(?:\/|$)/, "gem"],
  [/^https:\/\/crates\.io(?:\/|$)/, "cargo"],
  [/^https:\/\/(?:repo\.)?packagist\.org(?:\/|$)/, "composer"],
  [/^https:\/\/hackage\.haskell\.org(?:\/|$)/, "hackage"],
  [/^https:\/\/(?:pkg\.go\.dev|proxy\.golang\.org)(?:\/|$)/, "golang"],
  [/^https:\/\/hex\.pm(?:\/|$)/, "hex"],
  [/^https:\/\/repo1?\.maven\.(?:org|apache\.org)(?:\/|$)/, "maven"],
  [/^https:\/\/(?:meta)?cpan\.org(?:\/|$)/, "cpan"],
];
const nobody = new Set(["", "n/a", "unknown", "unspecified", "-"]);

/** Throws `malformed` or `limit`, naming the field. */
export function parseCve5(bytes: Uint8Array): Advisory {
  const top = document(bytes, "CVE record", largestFile);
  if (top.get("dataType").value !== "CVE_RECORD" || !shortText(top.get("dataVersion"), 16).startsWith("5."))
    throw top.wrong("a CVE record of version 5");
  const meta = top.get("cveMetadata");
  const cna = top.get("containers").get("cna");
  const containers = [cna, ...items(top.get("containers").get("adp"), 16)];
  const rejected = meta.get("state").value === "REJECTED";
  return {
    ...emptyAdvisory,
    id: advisoryId(meta.get("cveId")),
    published: time(meta.get("datePublished")),
    modified: time(meta.get("dateUpdated")),
    withdrawn: rejected,
    summary: prose(cna.get("title").isNull ? description(cna) : cna.get("title"), limits.summary),
    score: containers.map(baseScoreOf).find((value) => value !== null) ?? null,
    references: items(cna.get("references"), limits.references * 8)
      .slice(0, limits.references)
      .map((item) => prose(item.get("url"), 500)),
    affected: rejected
      ? []
      : containers.flatMap((container) =>
          items(container.get("affected"), limits.products).flatMap(products),
        ),
  };
}

function description(container: Field): Field {
  const texts = items(container.get("descriptions"), 64);
  return (texts.find((text) => String(text.get("lang").value).startsWith("en")) ?? container).get("value");
}

/** Of the newest CVSS that is there. */
function baseScoreOf(container: Field): number | null {
  const metrics = items(container.get("metrics"), 64);
  for (const kind of ["cvssV4_0", "cvssV3_1", "cvssV3_0"])
    for (const metric of metrics) if (metric.has(kind)) return score(metric.get(kind).get("baseScore"));
  return null;
}

function products(affected: Field): AffectedProduct[] {
  const fallback = affected.get("defaultStatus").isNull ? "unknown" : status(affected.get("defaultStatus"));
  const listed = items(affected.get("versions"), limits.ranges).flatMap(ranges);
  // Beside commits the default is about commits too: another entry says it of versions.
  const commits = listed.length > 0 && listed.every(({ type }) => type === "git");
  const all = [...listed, everyVersion(fallback, commits ? "git" : "custom")];
  // A version in no range is what the default says. Most records leave it out and list what is affected, and mean just that.
  const ordered = fallback === "unknown" && listed.some((one) => one.status === "affected") ? listed : all;
  const vendor = nameIn(affected.get("vendor"));
  const product = nameIn(affected.get("product"));
  const target = platform(items(affected.get("platforms"), limits.products).map((item) => prose(item, 1024)));
  const cpes = items(affected.get("cpes"), limits.products).map((item) => item.parsed(parseCpe));
  const common = { reason: "", source: "cve5", ranges: ordered };
  if (nobody.has(product) && cpes.length === 0)
    return packagesOf(affected).map((one) => ({ target, ...common, ...one }));
  const named = cpes
    .filter((cpe) => cpe.part !== "h")
    .map((cpe) => ({ name: cpe.product, vendor: cpe.vendor, target: cpe.target }));
  if (!nobody.has(product))
    named.unshift({ name: product, vendor: nobody.has(vendor) ? "" : vendor, target });
  const unique = new Map(named.map((one) => [`${one.vendor}:${one.name}:${one.target}`, one]));
  return [...unique.values()].map((one) => ({
    kind: "product",
    ...common,
    ...one,
  }));
}

/**
 * A package of a collection, which stands in place of vendor and product. Beside a product it is that product's (the xz of
 * Red Hat Enterprise Linux), with versions of its own, and is not looked at.
 */
function packagesOf(affected: Field): Pick<AffectedProduct, "kind" | "name" | "vendor">[] {
  const name = prose(affected.get("packageName"), largestName).trim();
  if (nobody.has(name) || name.length > limits.name) return [];
  const collection = prose(affected.get("collectionURL"), largestName);
  const registry = registries.find(([pattern]) => pattern.test(collection))?.[1];
  if (registry !== undefined)
    return [
      {
        kind: "purl",
        vendor: "",
        name: purlKey(registry, registry === "maven" ? name.replace(":", "/") : name),
      },
    ];
  const repository = repositoryKey(collection);
  if (repository === null) return [{ kind: "product", vendor: "", name: normalName(name) }];
  // Whose repository it is stands where others write the vendor.
  return [
    { kind: "product", vendor: repository.split("/").at(-2)!, name: normalName(name) },
    { kind: "repository", vendor: "", name: repository },
  ];
}

/** No package has a name longer than the limit: some records list a vendor's whole catalogue in one. */
function nameIn(field: Field): string {
  const name = normalName(prose(field, largestName));
  return name.length > limits.name ? "" : name;
}

/** A record for other systems only is not about ours. */
function platform(platforms: readonly string[]): string {
  const names = platforms.map((name) => normalName(name));
  const elsewhere = names.filter((name) => /^(?:windows|mac|os-x|ios|android|iphone)/.test(name));
  return names.length > 0 && elsewhere.length === names.length ? elsewhere[0]!.replace(/-.*$/, "") : "";
}

/** CVE schema, `versions`: with `changes` the status alternates from the versions that they name. */
function ranges(version: Field): VersionRange[] {
  // What is no version, or holds lines of prose, becomes a word that none equals, or "unknown" below.
  const first = prose(version.get("version"), 1024);
  const said = status(version.get("status"));
  const type = versionType(optionalText(version.get("versionType"), 64));
  const common = { type, fromExclusive: false };
  const from = first === "0" || first === "*" || nobody.has(first) ? null : first;
  const before = prose(version.get("lessThan"), 1024);
  const through = prose(version.get("lessThanOrEqual"), 1024);
  if (before === "" && through === "") {
    if (from === null)
      return first === "0"
        ? [{ ...common, status: said, from: "0", to: "0", end: "through" }]
        : [everyVersion(said, type)];
    // Old records hold prose here ("before 2.3 on Windows"): no package's version equals it.
    return proseRange(from, said) ?? [{ ...common, status: said, from, ...endOf(from, "through") }];
  }
  const changes = items(version.get("changes"), 256).map((change) => ({
    at: prose(change.get("at"), 1024),
    status: status(change.get("status")),
  }));
  const whole = before === "" ? endOf(through, "through") : endOf(before, "before");
  const cuts = [{ at: from, status: said }, ...changes];
  return cuts.map((cut, index) => {
    const next = cuts[index + 1];
    const end = next === undefined ? whole : { to: next.at, end: "before" as const };
    return { ...common, status: cut.status, from: cut.at, ...end };
  });
}

function endOf(text: string, end: "before" | "through"): Pick<VersionRange, "to" | "end"> {
  if (text === "*" || text === "unspecified") return { to: null, end: "before" };
  if (/\.(?:\*|x)$/i.test(text))
    return { to: text.slice(0, -2), end: end === "through" ? "prefix" : "before" };
  return { to: text, end };
}

/** "before 1.2", "< 1.2", ">= 1.0, < 1.2", "1.2 and earlier": the forms that are common enough to be sure of. */
function proseRange(text: string, said: VersionStatus): VersionRange[] | null {
  const common = { status: said, type: "custom" as const, fromExclusive: false };
  const bounds = /^(?:(>=?) ?([0-9][\w.+-]*), ?)?(<=?) ?v?([0-9][\w.+-]*)$/.exec(text);
  if (bounds !== null)
    return [
      {
        ...common,
        from: bounds[2] ?? null,
        fromExclusive: bounds[1] === ">",
        to: bounds[4]!,
        end: bounds[3] === "<" ? "before" : "through",
      },
    ];
  const words = /^(?:before|prior to) v?([0-9][\w.+-]*)$/i.exec(text);
  if (words !== null) return [{ ...common, from: null, to: words[1]!, end: "before" }];
  const earlier = /^v?([0-9][\w.+-]*) and (?:earlier|below|prior)$/i.exec(text);
  if (earlier !== null) return [{ ...common, from: null, to: earlier[1]!, end: "through" }];
  return /\s/.test(text) ? [everyVersion("unknown")] : null;
}

function status(field: Field): VersionStatus {
  const { value } = field;
  if (value === "affected" || value === "unaffected" || value === "unknown") return value;
  throw field.wrong("affected, unaffected or unknown");
}

function versionType(text: string): VersionType {
  if (text === "git") return "git";
  // The kernel's authority marks the first release with a fix this way; its order is semver's.
  if (text === "semver" || text === "original_commit_for_fix") return "semver";
  if (text.length > 64) throw new NixsealError("limit", "a versionType has at most 64 characters");
  return "custom";
}
