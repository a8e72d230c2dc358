import { basename } from "node:path";
import type { Files } from "../../core/file-ports.ts";
import { inBatches } from "./batches.ts";
import type { CurrentGeneration } from "./current-generation.ts";
import { indexBytes, indexName, type GenerationIndex, type Unsettled } from "./generation-index.ts";
import type { Layout } from "./layout.ts";
import type { Plan } from "./plan.ts";

const directoryMode = 0o751;
const indexMode = 0o600;

/**
 * Writes the next generation beside the current one and makes it current with one rename. Until then, whatever
 * happens, the current one is untouched; what a failure left is removed, what a kill left by the next `sweep`.
 */
export async function writeGeneration(
  files: Files,
  layout: Layout,
  current: CurrentGeneration | null,
  plan: Plan,
  unsettled: Unsettled,
): Promise<CurrentGeneration> {
  const number = (await newestNumber(files, layout)) + 1;
  const directory = `${layout.generations}/${number}`;
  const index: GenerationIndex = {
    version: 1,
    number,
    previous: current?.index.number ?? null,
    stages: plan.stages,
    secrets: plan.files.map(({ entry }) => ({ ...entry, since: entry.since ?? number })),
    unsettled,
  };
  try {
    await files.makeDirectory(directory, { mode: directoryMode });
    await inBatches(plan.files, async ({ entry, write }) => {
      const path = `${directory}/${entry.name}`;
      // A link keeps the inode, so that a bind mount of a file that did not change stays valid.
      if (write === null) return files.link(`${current!.directory}/${entry.name}`, path);
      const { mode, uid, gid } = entry;
      return files.create(path, write.value.reveal(), { mode, uid, gid });
    });
    await files.create(`${directory}/${indexName}`, indexBytes(index), { mode: indexMode });
    await flip(files, layout, number);
  } catch (error) {
    await files.removeTree(directory);
    throw error;
  }
  return { directory, index };
}

/** Replaces the index of the current generation, once what was left to do is done. */
export async function settle(
  files: Files,
  { directory, index }: CurrentGeneration,
): Promise<CurrentGeneration> {
  const settled = { ...index, unsettled: { restart: [], reload: [], links: [] } };
  await files.writeAtomic(`${directory}/${indexName}`, indexBytes(settled), { mode: indexMode });
  return { directory, index: settled };
}

/**
 * Removes every generation but the current one and the former one, and what a killed run left. What the symlink
 * points to stays even when its index cannot be read: values that services use go only after others took their place.
 */
export async function sweep(files: Files, layout: Layout, current: CurrentGeneration | null): Promise<void> {
  if ((await files.statusOfLink(layout.temporaryLink)) !== null) await files.remove(layout.temporaryLink);
  const linked =
    (await files.statusOfLink(layout.current))?.kind === "symlink"
      ? await files.readLink(layout.current)
      : "";
  const kept = new Set([current?.index.number, current?.index.previous, basename(linked)].map(String));
  for (const name of await files.list(layout.generations))
    if (/^[1-9]\d*$/.test(name) && !kept.has(name)) await files.removeTree(`${layout.generations}/${name}`);
}

async function flip(files: Files, layout: Layout, number: number): Promise<void> {
  await files.symlink(`generations/${number}`, layout.temporaryLink);
  try {
    await files.rename(layout.temporaryLink, layout.current);
  } catch (error) {
    await files.remove(layout.temporaryLink);
    throw error;
  }
}

async function newestNumber(files: Files, layout: Layout): Promise<number> {
  const numbers = (await files.list(layout.generations)).filter((name) => /^[1-9]\d{0,14}$/.test(name));
  return Math.max(0, ...numbers.map(Number));
}
