import { NixsealError } from "../core/errors.ts";
import { findFleet, fleetLockPath, openFleet, type FleetContext, type OpenFleet } from "./fleet-context.ts";

/** Milliseconds that a second operator waits before being told who holds the lock. */
const patience = 10_000;

/**
 * Does work on the fleet's directory that nobody else on this machine may do at the same time. With `mustBeSound` what is
 * wrong with the inventory is said before anybody waits for the lock, or hears why there is none.
 */
export async function withFleetLock<T>(
  context: FleetContext,
  purpose: string,
  work: (directory: string) => Promise<T>,
  mustBeSound = false,
): Promise<T> {
  const directory = await findFleet(context);
  const path = await fleetLockPath(context.files, directory);
  const lock = await context.files.lock(path, { wait: 0, purpose }).catch(async (error: unknown) => {
    if (mustBeSound) await openFleet(context);
    if (!(error instanceof NixsealError) || error.code !== "conflict") throw error;
    return context.files.lock(path, { wait: patience, purpose });
  });
  try {
    return await work(directory);
  } finally {
    await lock.release();
  }
}

/**
 * The same with the inventory, read under the lock: it may have changed while this waited. A dry run takes no lock: it
 * writes nothing, and must work where one may not write.
 */
export async function withLockedFleet<T>(
  context: FleetContext,
  purpose: string,
  dryRun: boolean,
  work: (open: OpenFleet) => Promise<T>,
): Promise<T> {
  if (dryRun) return work(await openFleet(context));
  return withFleetLock(context, purpose, async () => work(await openFleet(context)), true);
}
