/** CSAF 2.0 (OASIS), profile VEX: one document for any number of advisories. */
import { severityOf, type Advisory, type AffectedProduct, type VersionRange } from "../advisory.ts";

export interface Publisher {
  readonly name: string;
  /** A URL that the publisher owns. */
  readonly namespace: string;
}

interface Product {
  readonly id: string;
  readonly name: string;
  readonly range: string;
  readonly purl: string | null;
  readonly status: VersionRange["status"];
  readonly reason: string;
}

export function toCsaf(
  advisories: readonly Advisory[],
  publisher: Publisher,
  id: string,
  now: string,
): Record<string, unknown> {
  const products = new Map<string, Product>();
  const vulnerabilities = advisories
    .filter(({ withdrawn }) => !withdrawn)
    .map((advisory) => vulnerability(advisory, products));
  return {
    document: {
      category: "csaf_vex",
      csaf_version: "2.0",
      publisher: { category: "vendor", ...publisher },
      title: `Vulnerabilities of packages of nixpkgs (${id})`,
      tracking: {
        id,
        status: "final",
        version: "1",
        initial_release_date: now,
        current_release_date: now,
        revision_history: [{ date: now, number: "1", summary: "exported" }],
      },
    },
    product_tree: { branches: [...grouped(products)].map(([name, list]) => productBranch(name, list)) },
    vulnerabilities: vulnerabilities.filter((one) => one !== null),
  };
}

function vulnerability(advisory: Advisory, all: Map<string, Product>): Record<string, unknown> | null {
  const found = advisory.affected.flatMap(productsOf);
  // The profile asks for a product; what names none has nothing to say here.
  if (found.length === 0) return null;
  for (const product of found) all.set(product.id, product);
  const ids = (status: VersionRange["status"]): string[] => [
    ...new Set(found.filter((product) => product.status === status).map((product) => product.id)),
  ];
  const [affected, unaffected, open] = [
    ids("affected"),
    ids("unaffected").filter((one) => !ids("affected").includes(one)),
    ids("unknown"),
  ];
  const unsure = open.filter((one) => !affected.includes(one) && !unaffected.includes(one));
  const reason = (product: string): string =>
    found.find(({ id }) => id === product)?.reason || "not in the range of versions that are affected";
  return {
    ...(/^CVE-[0-9]{4}-[0-9]{4,}$/.test(advisory.id)
      ? { cve: advisory.id }
      : { ids: [{ system_name: "OSV", text: advisory.id }] }),
    ...(advisory.summary === "" ? {} : { title: advisory.summary }),
    notes: [{ category: "description", text: advisory.summary || advisory.id }],
    product_status: {
      ...(affected.length === 0 ? {} : { known_affected: affected }),
      ...(unaffected.length === 0 ? {} : { known_not_affected: unaffected }),
      ...(unsure.length === 0 ? {} : { under_investigation: unsure }),
    },
    ...(affected.length === 0
      ? {}
      : {
          remediations: [
            {
              category: "vendor_fix",
              details: "update to a version outside of the range",
              product_ids: affected,
            },
          ],
        }),
    threats: [
      ...(affected.length === 0
        ? []
        : [{ category: "impact", details: severityOf(advisory), product_ids: affected }]),
      ...unaffected.map((product) => ({
        category: "impact",
        details: reason(product),
        product_ids: [product],
      })),
      ...(advisory.exploited === null
        ? []
        : [{ category: "exploit_status", details: `exploited, listed by CISA on ${advisory.exploited}` }]),
    ],
    ...(advisory.references.length === 0
      ? {}
      : { references: advisory.references.map((url) => ({ category: "external", summary: url, url })) }),
  };
}

function productsOf({ kind, vendor, name, reason, ranges }: AffectedProduct): Product[] {
  const full = vendor === "" ? name : `${vendor}:${name}`;
  const purl = kind === "statement" ? `pkg:nix/${name}` : kind === "purl" ? `pkg:${name}` : null;
  return ranges.map((range) => {
    const text = versText(range);
    return { id: `${kind}:${full}@${text}`, name: full, range: text, purl, status: range.status, reason };
  });
}

/** `vers:generic/>=1.0|<1.2`, as CSAF asks for ranges to be written. */
function versText({ from, fromExclusive, to, end }: VersionRange): string {
  const encoded = (version: string): string => encodeURIComponent(version);
  if (from !== null && from === to && end === "through") return `vers:generic/${encoded(from)}`;
  const low = from === null ? [] : [`${fromExclusive ? ">" : ">="}${encoded(from)}`];
  const high =
    to === null ? [] : [`${end === "before" ? "<" : "<="}${encoded(end === "prefix" ? `${to}.*` : to)}`];
  const bounds = [...low, ...high];
  return `vers:generic/${bounds.length === 0 ? "*" : bounds.join("|")}`;
}

function grouped(products: ReadonlyMap<string, Product>): Map<string, Product[]> {
  const byName = new Map<string, Product[]>();
  for (const product of products.values())
    byName.set(product.name, [...(byName.get(product.name) ?? []), product]);
  return byName;
}

function productBranch(name: string, products: readonly Product[]): Record<string, unknown> {
  return {
    category: "product_name",
    name,
    branches: products.map(({ id, range, purl }) => ({
      category: "product_version_range",
      name: range,
      product: {
        product_id: id,
        name: `${name} ${range}`,
        ...(purl === null ? {} : { product_identification_helper: { purl } }),
      },
    })),
  };
}
