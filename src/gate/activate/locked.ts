import type { Gate } from "./gate.ts";

/** Milliseconds. Who comes while another activation is on its way is told so, not kept. */
const patience = 10_000;

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
    return await work();
  } finally {
    await lock.release();
  }
}
