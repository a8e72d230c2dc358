/**
 * The closure of a path as a binary cache tells it: one narinfo after another along `References`. No NAR is fetched, and no
 * signature is asked for: an audit wants names, and where a name is missing it says so.
 */
import { utf8Text } from "../../core/bytes.ts";
import { NixsealError, at } from "../../core/errors.ts";
import { unlessMissing } from "../../core/missing.ts";
import type { Http } from "../../core/http-ports.ts";
import type { Files } from "../../core/file-ports.ts";
import { parseNarInfo } from "../../nix/narinfo.ts";
import { anyStore, digestOf, storeDirectoryOf, type StorePath } from "../../nix/store-path.ts";
import type { StoredPath } from "./from-database.ts";

/** Gives the narinfo of a path by its digest; null when the cache does not have it. */
export type Cache = (digest: string) => Promise<Uint8Array | null>;

/** The largest systems have 20,000 paths; references are the most of a narinfo, and a path has thousands at most. */
export const cacheLimits = {
  paths: 50_000,
  narInfo: 1 << 20,
  total: 256 << 20,
  atOnce: 24,
  patience: 30_000,
} as const;

export interface CrawledClosure {
  readonly paths: readonly StoredPath[];
  /** Paths that others refer to and the cache does not have: their own references are not known. */
  readonly missing: readonly StorePath[];
}

/** `progress` is told how many are known and how many of these were asked for. Throws `not-found` for a root that is not there. */
export async function crawlCache(
  cache: Cache,
  roots: readonly StorePath[],
  progress: (done: number, total: number) => void = () => undefined,
): Promise<CrawledClosure> {
  const wanted: StorePath[] = [...new Set(roots)];
  const known = new Set<string>(wanted);
  const paths: StoredPath[] = [];
  const missing: StorePath[] = [];
  let next = 0;
  let [bytes, done] = [0, 0];

  const one = async (path: StorePath): Promise<void> => {
    const found = await cache(digestOf(path));
    progress(++done, wanted.length);
    if (found === null && roots.includes(path))
      throw new NixsealError("not-found", `the cache does not have ${path}`, {
        hint: "is it the right cache?",
      });
    if (found === null) {
      missing.push(path);
      paths.push({ path, deriver: null });
      return;
    }
    bytes += found.length;
    if (bytes > cacheLimits.total)
      throw new NixsealError("limit", `the narinfo files have more than ${cacheLimits.total} bytes in all`);
    const { deriver, references } = narInfoOf(path, found);
    paths.push({ path, deriver });
    for (const reference of references) {
      if (known.has(reference)) continue;
      if (wanted.length >= cacheLimits.paths)
        throw new NixsealError("limit", `the closure has more than ${cacheLimits.paths} paths`);
      known.add(reference);
      wanted.push(reference);
    }
  };
  while (next < wanted.length) {
    const round = wanted.slice(next, next + cacheLimits.atOnce);
    next += round.length;
    await Promise.all(round.map(one));
  }
  return { paths, missing };
}

/** A cache that answers for another path than was asked for would lead the crawl anywhere. */
function narInfoOf(path: StorePath, bytes: Uint8Array): ReturnType<typeof parseNarInfo> {
  try {
    const info = parseNarInfo(utf8Text(bytes, "the narinfo"), storeDirectoryOf(path));
    if (info.path === path) return info;
    throw new NixsealError("malformed", `the narinfo is about ${info.path}, not ${path}`);
  } catch (error) {
    throw at(error, { file: `${digestOf(path)}.narinfo` });
  }
}

export function directoryCache(files: Pick<Files, "read">, directory: string): Cache {
  return (digest) =>
    unlessMissing(() =>
      files.read(`${directory}/${digest}.narinfo`, { limit: cacheLimits.narInfo, follow: false }),
    );
}

export function httpCache(http: Http, address: string): Cache {
  const base = address.endsWith("/") ? address : `${address}/`;
  return (digest) =>
    unlessMissing(() =>
      http.get(new URL(`${digest}.narinfo`, base).href, {
        limit: cacheLimits.narInfo,
        timeout: cacheLimits.patience,
      }),
    );
}

/** The path that a narinfo is about: a root, where only the digest is known. */
export async function pathOfNarInfo(cache: Cache, digest: string): Promise<StorePath> {
  const bytes = await cache(digest);
  if (bytes === null) throw new NixsealError("not-found", `the cache has no ${digest}.narinfo`);
  const { path } = parseNarInfo(utf8Text(bytes, "the narinfo"), anyStore);
  if (digestOf(path) === digest) return path;
  throw new NixsealError("malformed", `the narinfo is about ${path}, which its name does not say`);
}
