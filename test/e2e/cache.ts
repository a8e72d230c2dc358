import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

const week = 7 * 24 * 3600_000;

/** Something that takes long to build and is the same for the same recipe. */
export interface Cached {
  /** In the cache's file names: letters. */
  readonly kind: string;
  /** All that decides what comes out. */
  readonly recipe: readonly (string | Uint8Array)[];
  /** Makes `tree` in the directory; whatever else is made there is of no use afterwards. */
  readonly build: (directory: string) => Promise<void>;
}

/** The path of the tree in the user's cache, which must not be written to; built when it is not there. */
export async function cached({ kind, recipe, build }: Cached): Promise<string> {
  const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "nixseal-e2e");
  mkdirSync(cache, { recursive: true, mode: 0o755 });
  const hash = createHash("sha256");
  for (const part of recipe) hash.update(createHash("sha256").update(part).digest());
  const tree = join(cache, `${kind}-${hash.update(process.arch).digest("hex").slice(0, 16)}`);
  prune(cache);
  if (!existsSync(tree)) {
    process.stdout.write(`building ${tree} (about a minute)\n`);
    // Two runs may build at the same time: each builds aside, and the first one to finish is kept.
    const building = join(cache, `building-${process.pid}`);
    rmSync(building, { recursive: true, force: true });
    mkdirSync(building);
    try {
      await build(building);
      if (!existsSync(tree)) renameSync(join(building, "tree"), tree);
    } finally {
      rmSync(building, { recursive: true, force: true });
    }
  }
  utimesSync(tree, new Date(), new Date());
  return tree;
}

/** Removes what killed builds left and trees that no run has used for a week. */
function prune(cache: string): void {
  for (const name of readdirSync(cache)) {
    const path = join(cache, name);
    const pid = /^building-(\d+)$/.exec(name)?.[1];
    const stale = /^[a-z]+-[0-9a-f]{16}$/.test(name) && Date.now() - statSync(path).mtimeMs > week;
    const abandoned = pid !== undefined && !existsSync(`/proc/${pid}`);
    if (stale || abandoned) rmSync(path, { recursive: true, force: true });
  }
}
