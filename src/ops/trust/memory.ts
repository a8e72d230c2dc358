import { at, NixsealError } from "../../core/errors.ts";
import { RootMemory } from "../../trust/root/memory.ts";
import { nothingSeen, parseSeen, seenLimit, type Seen } from "../../trust/root/seen.ts";
import { readFirst } from "../../trust/root/store.ts";
import { StateDirectory } from "../../trust/state-directory.ts";
import type { Context } from "../op.ts";

export type MemoryContext = Pick<Context, "files" | "environment" | "emit">;

export interface FleetMemory {
  readonly seen: Seen;
  /**
   * What earlier versions kept inside of the clone. Whoever made the clone could have written it, so nothing is believed
   * because of it: it can only refuse.
   */
  readonly formerly: Seen;
  readonly store: RootMemory | null;
}

const formerFile = ".git/nixseal-trust.json";

/** What this user has seen of the fleet before. Without a place to remember in that is said, and nothing was seen. */
export async function readMemory(context: MemoryContext, directory: string): Promise<FleetMemory> {
  const { files, environment, emit } = context;
  const formerly = await readFormer(context, directory);
  const state = await StateDirectory.open(files, environment);
  if (state === null) {
    emit({
      type: "warning",
      message: "there is no place to remember the root in, so an older one would not be noticed",
      hint: "set HOME or XDG_STATE_HOME",
    });
    return { seen: nothingSeen, formerly, store: null };
  }
  const store = RootMemory.at(state, await files.realPath(directory));
  return { seen: await store.read(await readFirst(files, directory)), formerly, store };
}

/** Where nothing can be written nothing is remembered, which is said. */
export async function remember(
  context: MemoryContext,
  directory: string,
  { store }: FleetMemory,
  after: Seen,
): Promise<void> {
  const { files, emit } = context;
  if (store === null) return;
  try {
    await store.remember(await readFirst(files, directory), after);
    if ((await files.statusOfLink(`${directory}/${formerFile}`)) !== null)
      await files.remove(`${directory}/${formerFile}`);
  } catch (error) {
    if (!(error instanceof NixsealError) || error.code !== "io") throw error;
    emit({
      type: "warning",
      message: `what was verified cannot be remembered: ${error.message}`,
      hint: "an older root or revocation list will not be noticed later",
    });
  }
}

async function readFormer({ files }: MemoryContext, directory: string): Promise<Seen> {
  const path = `${directory}/${formerFile}`;
  if ((await files.statusOfLink(path)) === null) return nothingSeen;
  try {
    return parseSeen(await files.read(path, { limit: seenLimit, follow: false }));
  } catch (error) {
    throw at(error, { file: path });
  }
}
