import { join } from "node:path";
import { NixsealError } from "../../core/errors.ts";
import type { Gate } from "./gate.ts";

/** Milliseconds. Who comes while another activation is on its way is told so, not kept. */
const patience = 10_000;

/** What an atomic write leaves behind when it is killed: `.NAME.RANDOM.tmp`, see `Files.writeAtomic`. */
const leftover = /^\..+\.[0-9a-f]{12}\.tmp$/;

/** One at a time: nobody decides on what another is about to change. Error `conflict` says who holds the lock. */
export async function locked<T>(
  gate: Pick<Gate, "files" | "paths">,
  purpose: string,
  work: () => Promise<T>,
  wait: number = patience,
): Promise<T> {
  const { files, paths } = gate;
  await files.makeDirectory(paths.state, { mode: 0o755, parents: true });
  const lock = await files.lock(paths.lock, { wait, purpose: `nixseal-agent activate (${purpose})` });
  try {
    for (const directory of [paths.state, paths.pending, paths.receipts]) await sweep(gate, directory);
    return await work();
  } finally {
    await lock.release();
  }
}

/** With the lock held nobody writes there: what looks half-written is. */
async function sweep({ files }: Pick<Gate, "files">, directory: string): Promise<void> {
  if ((await files.statusOfLink(directory)) === null) return;
  for (const name of await files.list(directory))
    if (leftover.test(name))
      await files.remove(join(directory, name)).catch((error: unknown) => {
        if (!(error instanceof NixsealError)) throw error; // another time: it is in nobody's way
      });
}
