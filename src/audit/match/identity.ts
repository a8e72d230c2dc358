/** By which names an index may know a package, and how strongly each ties the two together. Pure. */
import { normalName, type ProductKind } from "../advisories/advisory.ts";
import { parseCpe, type Cpe } from "../advisories/cpe.ts";
import { productKey } from "../advisories/index/layout.ts";
import { parsePurl, purlKey } from "../advisories/purl.ts";
import type { Package } from "../packages/package.ts";
import { knownProducts, type ProductName } from "./products.ts";

/** The best first: an answer of an earlier kind stands against those of later ones. */
export const evidenceKinds = ["team", "output", "identifier", "repository", "cpe", "name"] as const;
export type EvidenceKind = (typeof evidenceKinds)[number];

export interface Qualifier {
  readonly vendor: string;
  readonly target: string;
}

export interface Candidate {
  readonly kind: ProductKind;
  readonly key: string;
  /** What a product under this key is worth as evidence; null when it is another product of the same name. */
  readonly fits: (qualifier: Qualifier) => EvidenceKind | null;
}

/** Where nixpkgs puts the language into a package's name. */
const languages: readonly (readonly [pattern: RegExp, purlType: string, target: string])[] = [
  [/^python[0-9.]*-(.+)$/, "pypi", "python"],
  [/^pypy[0-9.]*-(.+)$/, "pypi", "python"],
  [/^perl[0-9.]*-(.+)$/, "cpan", "perl"],
  [/^ruby[0-9.]*-(.+)$/, "gem", "ruby"],
  [/^php[0-9.]*-(.+)$/, "composer", "php"],
  [/^r-(.+)$/, "cran", "r"],
];

const ourSystems = new Set(["", "linux", "linux-kernel", "nixos", "unix", "x64", "x86"]);

export function candidatesOf(found: Package): Candidate[] {
  const language = languageOf(found.name);
  const name = normalName(language?.name ?? found.name);
  const cpes = found.cpes.map((cpe) => parseCpe(cpe));
  return [
    candidate("statement", found.name.toLowerCase(), () => "team"),
    ...found.paths
      .flatMap((path) => digestOf(path))
      .map((digest) => candidate("output", digest, () => "output")),
    ...[...found.purls.map((purl) => parsePurl(purl).key), purlKey("nix", found.name)].map((purl) =>
      candidate("purl", purl, () => "identifier"),
    ),
    ...(found.repository === null ? [] : [candidate("repository", found.repository, () => "repository")]),
    ...(language === null ? [] : [candidate("purl", purlKey(language.type, language.name), () => "cpe")]),
    ...productCandidates(name, cpes, language?.target ?? null),
  ];
}

function productCandidates(name: string, cpes: readonly Cpe[], language: string | null): Candidate[] {
  const runsHere = (target: string): boolean => ourSystems.has(target) || target === language;
  const known = language === null ? knownProducts(name) : null;
  if (cpes.length > 0)
    return [
      ...cpes.map((cpe) =>
        candidate("product", cpe.product, ({ vendor, target }) =>
          vendor === cpe.vendor && (runsHere(target) || target === cpe.target) ? "identifier" : null,
        ),
      ),
      // What makes bills of materials guesses vendors (`glibc:glibc`): the table's names count beside.
      ...(known === null ? [] : knownCandidates(known, runsHere)),
    ];
  if (known === null)
    return [
      candidate("product", name, ({ vendor, target }) =>
        runsHere(target) ? byVendor(name, vendor, language) : null,
      ),
    ];
  return knownCandidates(known, runsHere);
}

/** A record without a vendor has nothing but the name; one of another vendor is about another product. */
function knownCandidates(known: readonly ProductName[], runsHere: (target: string) => boolean): Candidate[] {
  return [...new Set(known.map(({ product }) => product))].map((product) =>
    candidate("product", product, ({ vendor, target }) => {
      if (!runsHere(target)) return null;
      if (vendor === "") return "name";
      return known.some((one) => one.product === product && one.vendor === vendor) ? "cpe" : null;
    }),
  );
}

function candidate(kind: ProductKind, name: string, fits: Candidate["fits"]): Candidate {
  return { kind, key: productKey(kind, name), fits };
}

/** A vendor who is named after the product makes no other one of that name. Of a library in a language even that is a guess. */
function byVendor(name: string, vendor: string, language: string | null): EvidenceKind {
  const own =
    vendor === name ||
    vendor === `${name}-project` ||
    vendor === `${name}project` ||
    vendor === `${name}.org`;
  return own && language === null ? "cpe" : "name";
}

function languageOf(
  name: string,
): { readonly name: string; readonly type: string; readonly target: string } | null {
  for (const [pattern, type, target] of languages) {
    const match = pattern.exec(name);
    if (match !== null) return { name: match[1]!, type, target };
  }
  return null;
}

function digestOf(path: string): string[] {
  const digest = /\/([0-9a-z]{32})-[^/]+$/.exec(path);
  return digest === null ? [] : [digest[1]!];
}

/**
 * How a package's versions are written for comparing. OpenSSH's portable release of 8.5 is 8.5p1: both name one release,
 * in the package and in the record.
 */
export function versionForm(name: string): (version: string) => string {
  return name === "openssh" || name.startsWith("openssh-")
    ? (version) => version.replace(/p[0-9]+$/, "")
    : (version) => version;
}
