import { NixsealError } from "../core/errors.ts";
import type { Gate } from "../gate/activate/gate.ts";
import { areInStore } from "../gate/import/in-store.ts";
import { takeIn } from "../gate/ledger/take-in.ts";
import type { AgentContext } from "./verb.ts";

/**
 * The ledger has what uploads brought that were killed, before the receipt names its newest line. A ledger that cannot be written keeps
 * nobody from an activation, nor from the way back.
 */
export async function completeLedger(
  context: Pick<AgentContext, "files" | "clock" | "processes">,
  { paths, config, say }: Pick<Gate, "paths" | "config" | "say">,
): Promise<void> {
  try {
    const notices = await takeIn(context, paths.ledger, areInStore(context, paths, config));
    for (const notice of notices) await say("ledger", notice, { level: "warning" });
  } catch (error) {
    if (!(error instanceof NixsealError) || error.code === "bug") throw error;
    await say("ledger", `what was left beside it is not taken in: ${error.message}`, { level: "warning" });
  }
}
