/** A lease that is held for as long as the work on a host takes. */
import { NixsealError } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";
import type { Lease } from "../state/lease.ts";

/** Milliseconds between two renewals. */
const pause = 15_000;

export interface Renewal {
  /** Why the lease is not ours any more; null while it is. */
  readonly lost: () => NixsealError | null;
  readonly end: () => void;
}

/** Renews it until it is said to end. */
export function keepLease(lease: Lease, clock: Pick<Clock, "sleep">): Renewal {
  let lost: NixsealError | null = null;
  let ended = false;
  const renew = async (): Promise<void> => {
    while (lost === null) {
      await clock.sleep(pause, { background: true });
      if (ended) return;
      try {
        await lease.renew();
      } catch (error) {
        if (!(error instanceof NixsealError)) throw error;
        // Another took it over: the gate refuses our token from now on. A state that cannot be reached may come back.
        if (error.code === "conflict") lost = error;
      }
    }
  };
  renew().catch(
    (error: unknown) => (lost = new NixsealError("bug", "the lease was not renewed", { cause: error })),
  );
  return { lost: () => lost, end: () => (ended = true) };
}
