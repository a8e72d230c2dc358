/** Takes away what killed processes left and what has waited too long. */
import { join } from "node:path";
import type { Files } from "../../core/file-ports.ts";
import type { Clock } from "../../core/ports.ts";
import { parseIncomingName, parseNarName } from "./names.ts";
import type { Quarantine } from "./quarantine.ts";

export interface SweepPorts {
  readonly files: Pick<Files, "list" | "remove" | "statusOfLink">;
  readonly clock: Pick<Clock, "now">;
}

/** Longer than any connection lasts (`ProtocolLimits.waiting` and the time to import what it brought). */
const abandoned = 6 * 3600_000;
const day = 24 * 3600_000;

/** Names of what was taken away. Others may sweep at the same time; what has gone already is no error. */
export async function sweep(ports: SweepPorts, quarantine: Quarantine, days: number): Promise<string[]> {
  const { files, clock } = ports;
  const now = clock.now().getTime();
  const gone: string[] = [];
  const ageOf = async (path: string): Promise<number | null> => {
    const status = await files.statusOfLink(path);
    return status === null ? null : now - status.modified.getTime();
  };
  const take = async (path: string): Promise<void> => {
    if ((await files.statusOfLink(path)) === null) return;
    await files.remove(path).catch(async (error: unknown) => {
      if ((await files.statusOfLink(path)) !== null) throw error;
    });
    gone.push(path);
  };

  for (const claim of await quarantine.claims()) {
    const age = await ageOf(join(quarantine.directory, "claims", claim.name));
    if (age === null || age <= days * day) continue;
    await quarantine.drop(claim);
    gone.push(claim.name);
  }

  const incoming = join(quarantine.directory, "incoming");
  for (const name of await files.list(incoming)) {
    const pid = parseIncomingName(name)?.pid;
    // Nobody else makes names here. A number that came to another process since keeps the file until it is old.
    const alive = pid !== undefined && (await files.statusOfLink(`/proc/${pid}`)) !== null;
    const age = await ageOf(join(incoming, name));
    if (age !== null && (!alive || age > abandoned)) await take(join(incoming, name));
  }

  for (const name of await files.list(quarantine.directory)) {
    const hash = parseNarName(name);
    if (hash === null) continue;
    const path = join(quarantine.directory, name);
    const status = await files.statusOfLink(path);
    // A second link is that of a process that is about to import it.
    if (status === null || status.links > 1) continue;
    await quarantine.removeUnclaimed(hash);
    if ((await files.statusOfLink(path)) === null) gone.push(name);
  }
  return gone;
}
