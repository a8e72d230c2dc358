/** Closures in whatever form a person has them, as packages. Nothing is evaluated and nothing is run but Nix's own query. */
import { resolve } from "node:path";
import { NixsealError, at } from "../../core/errors.ts";
import {
  cacheLimits,
  crawlCache,
  directoryCache,
  httpCache,
  pathOfNarInfo,
  type Cache,
} from "../../audit/packages/from-cache.ts";
import { pathsOfDatabase, type StoredPath } from "../../audit/packages/from-database.ts";
import { inventoryLimits, type Inventory } from "../../audit/packages/package.ts";
import { closureForm, packagesOf, packagesOfStore, rootPath } from "../../audit/packages/read.ts";
import type { LeftOut } from "../../audit/report.ts";
import { storeDirectoryOf, type StorePath } from "../../nix/store-path.ts";
import { queryClosure } from "../../trust/warrant/local-store.ts";
import type { Context } from "../op.ts";
import { localStore, storeDirectory } from "../warrant/nix-store.ts";

export interface Closure {
  readonly inventory: Inventory;
  /** What it is, for people. */
  readonly subject: string;
  readonly leftOut: readonly LeftOut[];
}

/** A path of a store with all that it needs: as Nix says, or without Nix as its database says. */
export async function closureInStore(
  context: Context,
  path: StorePath,
  store: string | undefined,
): Promise<Closure> {
  const paths = await storedPaths(context, path, store);
  return {
    inventory: await packagesInStore(context, paths, store),
    subject: `closure of ${path}`,
    leftOut: [],
  };
}

async function storedPaths(
  context: Context,
  path: StorePath,
  store: string | undefined,
): Promise<readonly StoredPath[]> {
  try {
    return await queryClosure(context.processes, localStore(context, store), path);
  } catch (error) {
    // Without Nix (in CI, on a rescue system) the store's own database says the same.
    const noNix =
      error instanceof NixsealError && error.code === "not-found" && error.where?.file === undefined;
    const file = `${realStore(context, store)}${stateDirectory(context)}/db/db.sqlite`;
    if (!noNix || (await context.files.status(file)) === null) throw error;
    const { database, log } = await readDatabase(context, file);
    return pathsOfDatabase(database, log, [path]);
  }
}

function stateDirectory({ environment }: Pick<Context, "environment">): string {
  return environment.get("NIX_STATE_DIR") ?? "/nix/var/nix";
}

/** What stands before `/nix/store` in the file system: the directory of a chroot store, else nothing. */
function realStore(context: Context, store: string | undefined): string {
  const { store: named } = localStore(context, store);
  return named?.startsWith("/") === true ? named.replace(/\/+$/, "") : "";
}

/** Derivations of this machine's store say more than names. Another store's directory is never looked into. */
function packagesInStore(
  context: Context,
  paths: readonly StoredPath[],
  store: string | undefined,
): Promise<Inventory> {
  const root = realStore(context, store);
  const here = storeDirectory(context);
  const own = paths.map(({ path, deriver }) => ({
    path,
    deriver: deriver !== null && storeDirectoryOf(deriver) === here ? deriver : null,
  }));
  const { files } = context;
  return packagesOfStore({ read: (file, options) => files.read(`${root}${file}`, options) }, own);
}

/** `db.sqlite` with the log beside it. */
export async function closureInDatabase(
  context: Context,
  file: string,
  shown: string,
  toplevels: readonly string[],
): Promise<Closure> {
  const { database, log } = await readDatabase(context, file);
  try {
    const paths = pathsOfDatabase(database, log, toplevels.map(rootPath));
    const what = toplevels.length === 0 ? "all valid paths" : `what ${toplevels.join(", ")} needs`;
    const inventory = await packagesInStore(context, paths, undefined);
    return { inventory, subject: `${what}, by the database ${shown}`, leftOut: [] };
  } catch (error) {
    throw at(error, { file: shown });
  }
}

async function readDatabase(
  { files }: Pick<Context, "files">,
  file: string,
): Promise<{ database: Uint8Array; log: Uint8Array | null }> {
  const limit = inventoryLimits.bytes;
  const log = `${file}-wal`;
  // The log first: what is moved from it into the database in between is then seen twice, and not at all the other way.
  const written = (await files.status(log)) === null ? null : await files.read(log, { limit });
  return { database: await files.read(file, { limit }), log: written };
}

/** A file's bytes, or null when they are no closure. */
export function closureOfBytes(bytes: Uint8Array, shown: string): Closure | null {
  try {
    const form = closureForm(bytes);
    if (form === null) return null;
    const names = {
      paths: "list of paths",
      "path-info": "path info",
      derivations: "derivations",
      cyclonedx: "CycloneDX bill of materials",
      spdx: "SPDX bill of materials",
      database: "database",
    } as const;
    return { inventory: packagesOf(bytes), subject: `${names[form]} ${shown}`, leftOut: [] };
  } catch (error) {
    throw at(error, { file: shown });
  }
}

/** By narinfo `References`. Without toplevels all paths of a directory, or the narinfo that the address names. */
export async function closureInCache(
  context: Context,
  address: string,
  toplevels: readonly string[],
): Promise<Closure> {
  const { files, http, workingDirectory } = context;
  const named = /^(https?:\/\/.+)\/([0-9a-z]{32})\.narinfo$/.exec(address);
  const remote = /^https?:\/\//.test(address);
  const directory = resolve(workingDirectory, address.replace(/^file:\/\/(?=\/)/, ""));
  const cache: Cache = remote ? httpCache(http, named?.[1] ?? address) : directoryCache(files, directory);
  const roots = toplevels.map(rootPath);
  if (named !== null) roots.push(await pathOfNarInfo(cache, named[2]!));
  if (roots.length === 0 && !remote) roots.push(...(await allOf(context, cache, directory)));
  if (roots.length === 0)
    throw new NixsealError("usage", "a binary cache does not say what it has", {
      hint: "name what counts: --toplevel /nix/store/…, or the address of a .narinfo",
    });
  const { paths, missing } = await crawlCache(cache, roots, (done, total) =>
    context.emit({ type: "progress", task: "narinfo", done, total, unit: "paths" }),
  );
  const what = named === null && toplevels.length === 0 ? "everything" : `closure of ${roots.join(", ")}`;
  // Caches in a network of one's own are often served so; a repository is refused, since its code is looked at.
  const unproved = address.startsWith("http://")
    ? " (over http: who stands between could have changed it)"
    : "";
  return {
    // Derivations may lie in this machine's store, if it is the one that built.
    inventory: await packagesInStore(context, paths, undefined),
    subject: `${what} in the cache ${address}${unproved}`,
    leftOut: missing.map((path) => ({
      file: path,
      reason: "not in the cache, so nobody knows what it needs",
    })),
  };
}

async function allOf(
  { files }: Pick<Context, "files">,
  cache: Cache,
  directory: string,
): Promise<StorePath[]> {
  const digests = (await files.list(directory)).flatMap(
    (name) => /^([0-9a-z]{32})\.narinfo$/.exec(name)?.[1] ?? [],
  );
  if (digests.length > cacheLimits.paths)
    throw new NixsealError("limit", `the cache has more than ${cacheLimits.paths} paths`, {
      hint: "name what counts with --toplevel",
    });
  const found: StorePath[] = [];
  for (const digest of digests) found.push(await pathOfNarInfo(cache, digest));
  return found;
}
