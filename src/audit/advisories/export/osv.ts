/** An advisory in our own format: OSV, which other tools read, with everything exact in `database_specific.nixseal`. */
import type { Advisory, AffectedProduct, VersionRange } from "../advisory.ts";
import { exactFields } from "../exact-fields.ts";

/** The ecosystems that OSV knows by these types of package URLs. */
const ecosystems: Readonly<Record<string, string>> = {
  nix: "nixpkgs",
  pypi: "PyPI",
  npm: "npm",
  golang: "Go",
  cargo: "crates.io",
  gem: "RubyGems",
  composer: "Packagist",
  hackage: "Hackage",
  cpan: "CPAN",
  hex: "Hex",
  maven: "Maven",
  nuget: "NuGet",
  pub: "Pub",
};

/** One JSON document. `parseOsv` gives the same advisory back. */
export function toOsv(advisory: Advisory): Record<string, unknown> {
  const { id, aliases, published, modified, withdrawn, summary, references, affected } = advisory;
  const packages = affected.flatMap(affectedPackage);
  return {
    schema_version: "1.7.0",
    id,
    modified: modified || published || "1970-01-01T00:00:00Z",
    ...(published === "" ? {} : { published }),
    ...(withdrawn ? { withdrawn: modified || published || "1970-01-01T00:00:00Z" } : {}),
    ...(aliases.length === 0 ? {} : { aliases }),
    ...(summary === "" ? {} : { summary }),
    ...(packages.length === 0 ? {} : { affected: packages }),
    ...(references.length === 0 ? {} : { references: references.map((url) => ({ type: "WEB", url })) }),
    database_specific: { nixseal: exactFields(advisory) },
  };
}

/** What OSV can say of it: packages of ecosystems with plain ranges, and repositories. */
function affectedPackage({ kind, name, ranges }: AffectedProduct): Record<string, unknown>[] {
  const plain = ranges.filter((range) => range.status === "affected");
  if (plain.length < ranges.length || plain.some((range) => range.fromExclusive || range.end === "prefix"))
    return [];
  const slash = name.indexOf("/");
  const ecosystem = kind === "purl" ? ecosystems[name.slice(0, slash)] : undefined;
  if (kind === "statement" || ecosystem !== undefined) {
    const own = kind === "statement" ? name : name.slice(slash + 1);
    return [
      {
        package: { ecosystem: ecosystem ?? "nixpkgs", name: own },
        ranges: plain.map((range) => ({
          type: range.type === "semver" ? "SEMVER" : "ECOSYSTEM",
          events: events(range),
        })),
      },
    ];
  }
  return [];
}

function events({ from, to, end }: VersionRange): Record<string, string>[] {
  const introduced = { introduced: from ?? "0" };
  if (to === null) return [introduced];
  return [introduced, end === "before" ? { fixed: to } : { last_affected: to }];
}
