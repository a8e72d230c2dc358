import { removeLeftovers } from "../../secrets/store/leftovers.ts";
import type { OpenFleet } from "../fleet-context.ts";
import { withLockedFleet } from "../locked-fleet.ts";
import type { Context } from "../op.ts";

/** `withLockedFleet` for verbs that write secrets: what earlier ones left half written is removed first. */
export function withLockedStore<T>(
  context: Context,
  purpose: string,
  dryRun: boolean,
  work: (open: OpenFleet) => Promise<T>,
): Promise<T> {
  return withLockedFleet(context, purpose, dryRun, async (open) => {
    if (!dryRun)
      for (const file of await removeLeftovers(context.files, open.directory, context.clock.now()))
        context.emit({ type: "step", message: `removed ${file}, which a run that was cut off had left` });
    return work(open);
  });
}
