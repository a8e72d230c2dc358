import type { Manifest, Stage } from "../manifest.ts";
import type { GoodSecret, StageOutcome } from "./decrypt-stage.ts";
import type { GenerationIndex, InstalledSecret } from "./generation-index.ts";

export type Change = "added" | "changed" | "unchanged" | "removed" | "failed";

/** What becomes of one secret of the stage. */
export interface SecretChange {
  readonly name: string;
  readonly change: Change;
}

/** One file of the next generation. */
export interface PlannedFile {
  /** Without `since` for a value that the next generation is the first to have. */
  readonly entry: Omit<InstalledSecret, "since"> & { readonly since?: number };
  /** The value to write; null: the file of the current generation, linked. */
  readonly write: GoodSecret | null;
}

export interface Plan {
  readonly changes: readonly SecretChange[];
  readonly files: readonly PlannedFile[];
  readonly stages: readonly Stage[];
  readonly restart: readonly string[];
  readonly reload: readonly string[];
  /** Paths outside of our tree that the current generation has and the next has not. */
  readonly leftLinks: readonly string[];
  /** False when the current generation is already what is wanted. */
  readonly needed: boolean;
}

/**
 * Compares what is wanted with what is there. Pure.
 * `same` holds the names whose file in the current generation has the wanted value, owner and mode.
 */
export function planGeneration(
  manifest: Manifest,
  stage: Stage,
  { good, failures }: StageOutcome,
  current: GenerationIndex | null,
  same: ReadonlySet<string>,
): Plan {
  const before = new Map(current?.secrets.map((entry) => [entry.name, entry]));
  const changes: SecretChange[] = failures.map(({ name }) => ({ name, change: "failed" }));
  const files: PlannedFile[] = [];
  for (const one of good) {
    const { name, path, digest } = one.secret;
    const { uid, gid, mode } = one;
    const old = before.get(name);
    const linked = old !== undefined && same.has(name);
    const entry = { name, stage, path, uid, gid, mode, digest };
    files.push(linked ? { entry: { ...entry, since: old.since }, write: null } : { entry, write: one });
    const change = old === undefined ? "added" : linked && old.path === path ? "unchanged" : "changed";
    changes.push({ name, change });
  }
  const failed = new Set(failures.map(({ name }) => name));
  const wanted = new Map(manifest.secrets.map((secret) => [secret.name, secret]));
  const holder = new Map(manifest.secrets.map(({ name, path }) => [path, name]));
  // The other stage's secrets wait for their own run, unless somebody else was given their place.
  const placeOf = ({ name, path }: InstalledSecret, next: string): string =>
    (holder.get(path) ?? name) === name ? path : next;
  for (const old of before.values()) {
    const secret = wanted.get(old.name);
    if (secret === undefined) changes.push({ name: old.name, change: "removed" });
    else if (failed.has(old.name)) files.push({ entry: { ...old, path: secret.path }, write: null });
    else if (secret.stage !== stage)
      files.push({ entry: { ...old, path: placeOf(old, secret.path) }, write: null });
  }
  files.sort((a, b) => (a.entry.name < b.entry.name ? -1 : 1));
  changes.sort((a, b) => (a.name < b.name ? -1 : 1));
  const first = current === null || !current.stages.includes(stage);
  const stages = [...new Set([...(current?.stages ?? []), stage])].sort();
  const paths = new Set(files.map(({ entry }) => entry.path));
  return {
    changes,
    files,
    stages,
    // At the first installation after a boot the units come up after it, with these values.
    ...(first ? { restart: [], reload: [] } : unitsOf(good, changes)),
    leftLinks: [...before.values()].map(({ path }) => path).filter((path) => !paths.has(path)),
    needed: first || files.some(({ write }) => write !== null) || !sameEntries(files, before),
  };
}

/** Each unit once; a restart does what a reload would. */
function unitsOf(
  good: readonly GoodSecret[],
  changes: readonly SecretChange[],
): { readonly restart: readonly string[]; readonly reload: readonly string[] } {
  const moved = new Set(
    changes.filter(({ change }) => change === "added" || change === "changed").map(({ name }) => name),
  );
  const secrets = good.map(({ secret }) => secret).filter(({ name }) => moved.has(name));
  const restart = new Set(secrets.flatMap((secret) => secret.restart));
  const reload = new Set(secrets.flatMap((secret) => secret.reload).filter((unit) => !restart.has(unit)));
  return { restart: [...restart], reload: [...reload] };
}

function sameEntries(files: readonly PlannedFile[], before: ReadonlyMap<string, InstalledSecret>): boolean {
  if (files.length !== before.size) return false;
  return files.every(({ entry }) => {
    const old = before.get(entry.name);
    return old?.path === entry.path && old.digest === entry.digest && old.stage === entry.stage;
  });
}
