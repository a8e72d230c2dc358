/** The paths that a warrant allows: exactly the closure of its toplevel, each with what its content must be. */
import { NixsealError } from "../../core/errors.ts";
import { formatContentAddress, type ContentAddress } from "../../nix/content-address.ts";
import { fingerprint, type Signed } from "../../nix/fingerprint.ts";
import { byPath, storeDirectoryOf, type StorePath } from "../../nix/store-path.ts";
import { warrantLimits } from "./limits.ts";

export interface ClosurePath extends Signed {
  /** How the path follows from its content, where it does. */
  readonly contentAddress: ContentAddress | null;
}

export interface Closure {
  readonly toplevel: StorePath;
  /** Sorted bytewise; every one is reached from the toplevel by references. */
  readonly paths: readonly ClosurePath[];
  /** What the toplevel was built from, where that is known. A claim: no signature of Nix covers it. */
  readonly deriver: StorePath | null;
}

/** For `closureAmong`: references sorted, without those that are repeated. */
export function knownPaths(infos: Iterable<ClosurePath>): Map<string, ClosurePath> {
  const known = new Map<string, ClosurePath>();
  for (const { path, narHash, narSize, references, contentAddress } of infos)
    known.set(path, {
      path,
      narHash,
      narSize,
      references: [...new Set(references)].sort(byPath),
      contentAddress,
    });
  return known;
}

/** Sorts, drops repeated references, and checks the whole. Paths that the toplevel does not reach are left out. */
export function closureOf(
  toplevel: StorePath,
  infos: Iterable<ClosurePath>,
  deriver: StorePath | null,
): Closure {
  return closureAmong(toplevel, knownPaths(infos), deriver);
}

/** The same for many toplevels, which have most of their paths in common: what is in several closures is in memory once. */
export function closureAmong(
  toplevel: StorePath,
  known: ReadonlyMap<string, ClosurePath>,
  deriver: StorePath | null,
): Closure {
  const paths = [...reachable(toplevel, known)].sort(byPath).map((path) => {
    const info = known.get(path);
    if (info !== undefined) return info;
    throw new NixsealError("not-found", `nothing is known of ${path}, which ${toplevel} needs`);
  });
  const fault = closureFault(toplevel, paths);
  if (fault !== null) throw new NixsealError("malformed", fault);
  return { toplevel, paths, deriver };
}

/**
 * What is wrong with the list, as a message; null when it is the closure of the toplevel: sorted and without repeats, complete
 * (what a path refers to is listed too, or a host would take it from anywhere) and no more than that (a path that
 * nothing refers to is there for somebody else's purpose).
 */
export function closureFault(toplevel: StorePath, paths: readonly ClosurePath[]): string | null {
  if (paths.length > warrantLimits.paths) return `more than ${warrantLimits.paths} paths`;
  const known = new Map<string, ClosurePath>();
  const directory = storeDirectoryOf(toplevel);
  let before = "";
  let references = 0;
  let bytes = 0;
  for (const one of paths) {
    if (storeDirectoryOf(one.path) !== directory) return `${one.path} is not in ${directory}`;
    if (one.path <= before) return `${one.path} is repeated or out of order`;
    if (!isSortedSet(one.references)) return `references of ${one.path} are repeated or out of order`;
    if (one.narHash.algorithm !== "sha256") return `${one.path} has a NAR hash that is not sha256`;
    references += one.references.length;
    bytes += one.narSize;
    before = one.path;
    known.set(one.path, one);
  }
  if (references > warrantLimits.references) return `more than ${warrantLimits.references} references`;
  if (!Number.isSafeInteger(bytes)) return "the sizes add up to more than a number holds";
  if (!known.has(toplevel)) return `the toplevel ${toplevel} is not among the paths`;
  for (const { path, references } of paths) {
    const missing = references.find((reference) => !known.has(reference));
    if (missing !== undefined) return `${path} refers to ${missing}, which is not among the paths`;
  }
  const reached = reachable(toplevel, known);
  const stray = paths.find(({ path }) => !reached.has(path));
  return stray === undefined ? null : `${stray.path} is not needed by the toplevel`;
}

/** Bytes of all NARs. */
export function closureBytes(paths: readonly Signed[]): number {
  return paths.reduce((sum, { narSize }) => sum + narSize, 0);
}

/** Everything that a comparison of two paths of one name must compare. Equal texts mean equal claims. */
export function claimOf(path: ClosurePath): string {
  const address = path.contentAddress === null ? "" : formatContentAddress(path.contentAddress);
  return `${fingerprint(path)};${address}`;
}

function reachable(toplevel: StorePath, known: ReadonlyMap<string, ClosurePath>): Set<StorePath> {
  const reached = new Set([toplevel]);
  // A set is walked in the order of insertion, what was added meanwhile included: no recursion to overflow.
  for (const path of reached)
    for (const reference of known.get(path)?.references ?? []) reached.add(reference);
  return reached;
}

function isSortedSet(paths: readonly StorePath[]): boolean {
  return paths.every((path, index) => index === 0 || paths[index - 1]! < path);
}
