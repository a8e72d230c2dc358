import { timingSafeEqual } from "node:crypto";
import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import { inBatches } from "./batches.ts";
import type { GoodSecret } from "./decrypt-stage.ts";
import { readIndex, type GenerationIndex } from "./generation-index.ts";
import type { Layout } from "./layout.ts";

/** The generation that the symlink points to. */
export interface CurrentGeneration {
  readonly directory: string;
  readonly index: GenerationIndex;
}

/**
 * Finds the current generation; null before the first. What stands at the symlink's place and is not ours is
 * `refused`. A generation without a readable index (a broken memory file system) counts as none, with a warning.
 */
export async function currentGeneration(
  files: Files,
  layout: Layout,
  warn: (warning: string) => void,
): Promise<CurrentGeneration | null> {
  const status = await files.statusOfLink(layout.current);
  if (status === null) return null;
  const target = status.kind === "symlink" ? await files.readLink(layout.current) : "";
  const number = /^generations\/([1-9]\d{0,14})$/.exec(target)?.[1];
  if (number === undefined)
    throw new NixsealError("refused", "this is not a symlink that nixseal-agent made", {
      hint: `move it away: the secrets of this host appear here`,
      where: { file: layout.current },
    });
  const directory = `${layout.generations}/${number}`;
  try {
    const index = await readIndex(files, directory);
    if (index.number === Number(number)) return { directory, index };
    warn(`${directory}: the index is that of generation ${index.number}; starting afresh`);
  } catch (error) {
    if (!(error instanceof NixsealError) || error.code === "io") throw error;
    warn(`${directory}: ${error.message}; starting afresh`);
  }
  return null;
}

/** The secrets whose installed file has the wanted value, owner and mode already. Values in constant time. */
export async function unchangedSecrets(
  files: Files,
  current: CurrentGeneration | null,
  good: readonly GoodSecret[],
): Promise<ReadonlySet<string>> {
  const same = new Set<string>();
  if (current === null) return same;
  await inBatches(good, async ({ secret, value, uid, gid, mode }) => {
    const path = `${current.directory}/${secret.name}`;
    const status = await files.statusOfLink(path);
    const wanted = value.reveal();
    if (status?.kind !== "file" || status.size !== wanted.length) return;
    if (status.uid !== uid || status.gid !== gid || status.mode !== mode) return;
    const installed = await readUpTo(files, path, wanted.length);
    if (installed.length === wanted.length && timingSafeEqual(installed, wanted)) same.add(secret.name);
    installed.fill(0);
  });
  return same;
}

/** Its owner may write to the file while we read: one that has grown since is another value, not an error. */
async function readUpTo(files: Files, path: string, limit: number): Promise<Uint8Array> {
  try {
    return await files.read(path, { limit, follow: false });
  } catch (error) {
    if (error instanceof NixsealError && error.code === "limit") return new Uint8Array(limit + 1);
    throw error;
  }
}
