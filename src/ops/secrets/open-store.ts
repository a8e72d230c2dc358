import { NixsealError } from "../../core/errors.ts";
import type { Lock } from "../../core/ports.ts";
import { didYouMean } from "../../core/suggest.ts";
import type { Fleet, Secret, SecretName } from "../../inventory/model.ts";
import { fleetLockPath, openFleet, type OpenFleet } from "../fleet-context.ts";
import type { Context } from "../op.ts";

/** How long a second operator waits before being told who holds the lock. */
const patience = 10_000;

/** Opens the fleet under its lock for a verb that writes, and lets go afterwards. */
export async function withLockedFleet<T>(
  context: Context,
  purpose: string,
  work: (open: OpenFleet) => Promise<T>,
): Promise<T> {
  const { directory } = await openFleet(context);
  const path = await fleetLockPath(context.files, directory);
  const lock: Lock = await context.files.lock(path, { wait: patience, purpose });
  try {
    // Read again: it may have changed while this waited.
    return await work(await openFleet(context));
  } finally {
    await lock.release();
  }
}

/** The secret of that name in the inventory, or `not-found` with the nearest. */
export function declaredSecret(fleet: Fleet, name: string): Secret {
  const secret = fleet.secrets.get(name as SecretName);
  if (secret !== undefined) return secret;
  throw new NixsealError("not-found", `no secret '${name}' in the inventory`, {
    hint:
      didYouMean(name, fleet.secrets.keys()) ??
      `declare it in fleet.toml: [secrets.${name}] with hosts = […]`,
  });
}
