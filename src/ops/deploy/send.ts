/** Sending a system, with word of how far it is. */
import { copyClosure } from "../../deploy/copy.ts";
import type { SshFleet } from "../../deploy/ssh.ts";
import type { Host } from "../../inventory/model.ts";
import type { StorePath } from "../../nix/store-path.ts";
import type { Context } from "../op.ts";
import { nixWorld, storeFor } from "./systems.ts";

/** Milliseconds between two words of one host: Nix says it for every piece. */
const pause = 250;

/** `store`: as `Systems` has it. */
export async function sendSystem(
  context: Context,
  ssh: SshFleet,
  host: Host,
  toplevel: StorePath,
  store: string | null,
): Promise<void> {
  let told = 0;
  await copyClosure(
    nixWorld(context),
    ssh,
    host,
    toplevel,
    storeFor(store, host),
    ({ done, total, unit }) => {
      const now = context.clock.now().getTime();
      if (now - told < pause && done < total) return;
      told = now;
      context.emit({ type: "progress", task: `sending to ${host.name}`, done, total, unit });
    },
  );
}
