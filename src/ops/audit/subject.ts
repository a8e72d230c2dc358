import { basename, resolve } from "node:path";
import { inventoryLimits } from "../../audit/packages/package.ts";
import { packagesOfDirectory } from "../../audit/packages/read.ts";
import { isDatabase } from "../../audit/sqlite/pages.ts";
import { directoryTarget, fileTarget } from "../../audit/target/directory-target.ts";
import { gitTarget, isGitAddress } from "../../audit/target/git-target.ts";
import type { Target } from "../../audit/target/target.ts";
import { NixsealError } from "../../core/errors.ts";
import { parseStorePath, type StorePath } from "../../nix/store-path.ts";
import { inputBytes } from "../nix/input.ts";
import type { Context } from "../op.ts";
import { storeDirectory } from "../warrant/nix-store.ts";
import {
  closureInCache,
  closureInDatabase,
  closureInStore,
  closureOfBytes,
  type Closure,
} from "./closures.ts";

/** What is audited: files, or the packages of a closure. */
export type Subject =
  | { readonly kind: "files"; readonly target: Target; readonly directory: string | null }
  | ({ readonly kind: "closure" } & Closure);

export interface WhereItLies {
  readonly store?: string | undefined;
  readonly cache?: string | undefined;
  readonly toplevel?: readonly string[] | undefined;
}

/**
 * Opens what the person named: `host:NAME`, a store path or a link to one, a file or stdin with a closure in one of its forms,
 * a binary cache, a directory of derivations; else a directory, a file, a bare repository or the address of one.
 */
export async function openSubject(context: Context, name: string, where: WhereItLies = {}): Promise<Subject> {
  const { files, workingDirectory } = context;
  const toplevels = where.toplevel ?? [];
  if (where.cache !== undefined)
    return closure(
      await closureInCache(context, where.cache, [...(name === "." ? [] : [name]), ...toplevels]),
    );
  if (name === "-")
    return closure(closureOrRefused(await inputBytes(context, "-", inventoryLimits.bytes), "stdin"));
  if (/^host:[^/]/.test(name)) {
    // The only target that needs the fleet's trust, which is a fifth of the program.
    const { closureOfHost } = await import("./host-closure.ts");
    return closure(await closureOfHost(context, name.slice("host:".length)));
  }
  if (/^https?:\/\/.+\.narinfo$/.test(name)) return closure(await closureInCache(context, name, toplevels));
  const path = resolve(workingDirectory, name);
  const stored = await storedPath(context, path, where.store);
  if (stored !== null) return closure(await closureInStore(context, stored, where.store));
  const { kind, size = 0 } = (await files.status(path)) ?? {};
  if (kind === undefined && isGitAddress(name)) return repository(context, name);
  if (kind === "directory") return directory(context, path, name, toplevels);
  if (kind !== "file")
    throw new NixsealError("not-found", "there is nothing to audit", {
      hint: "name a directory, a flake.lock, a closure, host:NAME or the address of a git repository",
      where: { file: name },
    });
  const isOther = size > inventoryLimits.bytes || /\.(?:nix|lock|toml|ya?ml|md|sh)$/.test(path);
  const found = isOther ? null : await closureFile(context, path, name, toplevels);
  return found === null
    ? { kind: "files", target: await fileTarget(files, path), directory: null }
    : closure(found);
}

/** A path of the store, or a link to one as `nix build` makes it; null for all else, sources of a flake included. */
async function storedPath(
  context: Context,
  path: string,
  store: string | undefined,
): Promise<StorePath | null> {
  const here = storeDirectory(context);
  const { files } = context;
  const status = await files.statusOfLink(path);
  const target = status?.kind === "symlink" ? resolve(path, "..", await files.readLink(path)) : path;
  if (!target.startsWith(`${here}/`) || target.indexOf("/", here.length + 1) !== -1) return null;
  if (target.endsWith(".drv")) return null;
  const isSource = store === undefined && (await files.status(`${target}/flake.nix`)) !== null;
  return isSource ? null : parseStorePath(target, here);
}

async function directory(
  context: Context,
  path: string,
  name: string,
  toplevels: readonly string[],
): Promise<Subject> {
  const { files } = context;
  if (await isBareRepository(files, path)) return repository(context, `file://${encodeURI(path)}`);
  if ((await files.status(`${path}/nix-cache-info`)) !== null)
    return closure(await closureInCache(context, name, toplevels));
  const names = await files.list(path);
  if (names.some((one) => one.endsWith(".drv")) && !names.some((one) => one.endsWith(".nix"))) {
    const inventory = await packagesOfDirectory(files, path);
    return closure({ inventory, subject: `derivations in ${name}`, leftOut: [] });
  }
  return { kind: "files", target: await directoryTarget(files, path), directory: path };
}

/** Null when the file is no closure, and then it is looked at as any other file. */
async function closureFile(
  context: Context,
  path: string,
  name: string,
  toplevels: readonly string[],
): Promise<Closure | null> {
  const bytes = await context.files.read(path, { limit: inventoryLimits.bytes });
  if (isDatabase(bytes)) return closureInDatabase(context, path, name, toplevels);
  // What a program leaves that failed. Nothing in it is wrong, and nothing was looked at.
  if (bytes.length < 64 && /^\s*(?:\{\s*\}|\[\s*\])?\s*$/.test(Buffer.from(bytes).toString("latin1")))
    throw new NixsealError("malformed", "the file is empty: there is nothing to audit", {
      where: { file: name },
    });
  return closureOfBytes(bytes, name);
}

function closureOrRefused(bytes: Uint8Array, shown: string): Closure {
  const found = closureOfBytes(bytes, shown);
  if (found !== null) return found;
  throw new NixsealError("malformed", `${shown} is no closure`, {
    hint: "give store paths, one a line, or the JSON of 'nix path-info', 'nix derivation show', CycloneDX or SPDX",
  });
}

async function repository(context: Context, address: string): Promise<Subject> {
  return { kind: "files", target: await gitTarget(context, address), directory: null };
}

function closure(found: Closure): Subject {
  return { kind: "closure", ...found };
}

export async function isBareRepository(files: Context["files"], path: string): Promise<boolean> {
  if (basename(path) === ".git") return true;
  const kinds = await Promise.all(
    ["HEAD", "objects", "refs", ".git"].map(
      async (name) => (await files.statusOfLink(`${path}/${name}`))?.kind,
    ),
  );
  return (
    kinds[0] === "file" && kinds[1] === "directory" && kinds[2] === "directory" && kinds[3] === undefined
  );
}
