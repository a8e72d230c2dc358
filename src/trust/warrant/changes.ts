/** What is different between two closures, in packages. Pure. */
import { nameOf, type StorePath } from "../../nix/store-path.ts";
import { compareVersions, parseDrvName } from "../../nix/version.ts";
import { claimOf, closureBytes, type ClosurePath } from "./closure.ts";

export interface PackageChange {
  readonly name: string;
  /** Sorted; empty where the package is new, `[""]` for one without a version. */
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** Bytes of NARs, after minus before. */
  readonly bytes: number;
}

export interface ClosureChange {
  readonly added: readonly PackageChange[];
  readonly removed: readonly PackageChange[];
  /** Other versions. */
  readonly changed: readonly PackageChange[];
  /** The same versions, built from something else. */
  readonly rebuilt: readonly PackageChange[];
  /** The same path with another content: nothing that happens by itself. */
  readonly altered: readonly string[];
  readonly bytes: number;
}

export function compareClosures(
  before: readonly ClosurePath[],
  after: readonly ClosurePath[],
): ClosureChange {
  const [old, current] = [packagesOf(before), packagesOf(after)];
  const changes = [...new Set([...old.keys(), ...current.keys()])].sort().flatMap((name) => {
    const [was, is] = [old.get(name), current.get(name)];
    if (sameSet(was?.paths, is?.paths)) return [];
    const bytes = (is?.bytes ?? 0) - (was?.bytes ?? 0);
    return [{ name, before: sortedVersions(was), after: sortedVersions(is), bytes }];
  });
  const both = changes.filter(({ before, after }) => before.length > 0 && after.length > 0);
  const isRebuilt = ({ before, after }: PackageChange): boolean => before.join("\n") === after.join("\n");
  const claims = new Map(before.map((one) => [one.path, claimOf(one)]));
  return {
    added: changes.filter((change) => change.before.length === 0),
    removed: changes.filter((change) => change.after.length === 0),
    changed: both.filter((change) => !isRebuilt(change)),
    rebuilt: both.filter((change) => isRebuilt(change)),
    altered: after
      .filter((one) => claims.has(one.path) && claims.get(one.path) !== claimOf(one))
      .map(({ path }) => path),
    bytes: closureBytes(after) - closureBytes(before),
  };
}

interface Package {
  readonly versions: Set<string>;
  readonly paths: Set<StorePath>;
  bytes: number;
}

function packagesOf(paths: readonly ClosurePath[]): Map<string, Package> {
  const packages = new Map<string, Package>();
  for (const { path, narSize } of paths) {
    const { name, version } = parseDrvName(nameOf(path));
    const found = packages.get(name) ?? { versions: new Set(), paths: new Set(), bytes: 0 };
    found.versions.add(version);
    found.paths.add(path);
    found.bytes += narSize;
    packages.set(name, found);
  }
  return packages;
}

function sortedVersions(found: Package | undefined): string[] {
  return [...(found?.versions ?? [])].sort(compareVersions);
}

function sameSet(a: ReadonlySet<string> = new Set(), b: ReadonlySet<string> = new Set()): boolean {
  return a.size === b.size && [...a].every((item) => b.has(item));
}
