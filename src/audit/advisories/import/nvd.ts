/** NVD's API 2.0 and its yearly feeds in the same format: CVE records with CPE configurations. */
import type { Field } from "../../../nix/json-fields.ts";
import {
  advisoryLimits as limits,
  emptyAdvisory,
  everyVersion,
  exactly,
  type Advisory,
  type AffectedProduct,
  type VersionRange,
} from "../advisory.ts";
import { parseCpe, type Cpe } from "../cpe.ts";
import { advisoryId, document, items, optionalText, prose, score, time } from "../fields.ts";

/** A year has about 120 MB. */
const largestFile = 480 << 20;
const mostRecords = 1 << 20;
const otherSystems = new Set(["windows", "macos", "mac-os-x", "android", "iphone-os", "ipados", "ios"]);

/** Throws `malformed` or `limit`, naming the field. */
export function parseNvd(bytes: Uint8Array): Advisory[] {
  const top = document(bytes, "NVD feed", largestFile);
  if (top.get("format").value !== "NVD_CVE" || top.get("version").value !== "2.0")
    throw top.wrong("an NVD feed of version 2.0");
  return items(top.get("vulnerabilities"), mostRecords).map((item) => advisory(item.get("cve")));
}

function advisory(cve: Field): Advisory {
  const rejected = cve.get("vulnStatus").value === "Rejected";
  const descriptions = items(cve.get("descriptions"), 64);
  const english = descriptions.find((text) => text.get("lang").value === "en");
  const exploited = cve.get("cisaExploitAdd");
  return {
    ...emptyAdvisory,
    id: advisoryId(cve.get("id")),
    published: time(cve.get("published")),
    modified: time(cve.get("lastModified")),
    withdrawn: rejected,
    summary: english === undefined ? "" : prose(english.get("value"), limits.summary),
    score: baseScoreOf(cve.get("metrics")),
    exploited: exploited.isNull ? null : time(exploited).slice(0, 10),
    references: items(cve.get("references"), limits.references * 8)
      .slice(0, limits.references)
      .map((item) => prose(item.get("url"), 500)),
    affected: rejected ? [] : merged(items(cve.get("configurations"), 1024).flatMap(configuration)),
  };
}

function baseScoreOf(metrics: Field): number | null {
  if (metrics.isNull) return null;
  for (const kind of ["cvssMetricV40", "cvssMetricV31", "cvssMetricV30", "cvssMetricV2"]) {
    const list = items(metrics.get(kind), 64);
    const chosen = list.find((metric) => metric.get("type").value === "Primary") ?? list[0];
    if (chosen !== undefined) return score(chosen.get("cvssData").get("baseScore"));
  }
  return null;
}

/** `AND` means: these products, when they run on that platform. */
function configuration(field: Field): AffectedProduct[] {
  const nodes = items(field.get("nodes"), 1024).map((node) => ({
    matches: items(node.get("cpeMatch"), limits.ranges).map((match) => ({
      vulnerable: match.get("vulnerable").boolean(),
      cpe: match.get("criteria").parsed(parseCpe),
      match,
    })),
    negated: node.get("negate").value === true,
  }));
  const both = field.get("operator").value === "AND";
  const platforms = both
    ? nodes
        .filter((node) => !node.negated && node.matches.every((match) => !match.vulnerable))
        .map((node) => node.matches)
    : [];
  const elsewhere = platforms.find(
    (matches) => matches.length > 0 && matches.every(({ cpe }) => isOtherSystem(cpe)),
  );
  return nodes
    .filter((node) => !node.negated)
    .flatMap((node) => node.matches.filter((match) => match.vulnerable))
    .flatMap(({ cpe, match }) => {
      const ranges = range(cpe, match);
      // Hardware and firmware is in no closure; of operating systems only the kernel is.
      if (cpe.part === "h" || (cpe.part === "o" && cpe.product !== "linux-kernel")) return [];
      const target = elsewhere === undefined ? cpe.target : elsewhere[0]!.cpe.product;
      return [
        {
          kind: "product" as const,
          name: cpe.product,
          vendor: cpe.vendor,
          target,
          reason: "",
          source: "nvd",
          ranges: [ranges],
        },
      ];
    });
}

function isOtherSystem({ part, product }: Cpe): boolean {
  return part === "h" || (part === "o" && (otherSystems.has(product) || product.startsWith("windows")));
}

function range(cpe: Cpe, match: Field): VersionRange {
  const text = (key: string): string | null => optionalText(match.get(key), limits.version) || null;
  const [after, from] = [text("versionStartExcluding"), text("versionStartIncluding")];
  const [before, through] = [text("versionEndExcluding"), text("versionEndIncluding")];
  if (cpe.version !== null) return exactly(cpe.version, "affected");
  if ((after ?? from ?? before ?? through) === null) return everyVersion("affected");
  return {
    status: "affected",
    type: "custom",
    from: from ?? after,
    fromExclusive: from === null && after !== null,
    to: before ?? through,
    end: before === null ? "through" : "before",
  };
}

/** One product with all its ranges, in place of one for every range. */
function merged(products: readonly AffectedProduct[]): AffectedProduct[] {
  const byName = new Map<string, AffectedProduct & { ranges: VersionRange[] }>();
  for (const product of products) {
    const key = `${product.vendor}:${product.name}:${product.target}`;
    const known = byName.get(key);
    if (known === undefined) byName.set(key, { ...product, ranges: [...product.ranges] });
    else known.ranges.push(...product.ranges);
  }
  return [...byName.values()];
}
