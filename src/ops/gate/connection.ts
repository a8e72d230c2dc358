/** One message to a host's gate over SSH, with the system's `ssh`: agents, tokens and jump hosts work as the person set them up. */
import { accepted, askGate, type GateSuccess } from "../../deploy/gate-client.ts";
import type { GateEvent } from "../../gate/answer.ts";
import type { GateMessage } from "../../gate/message.ts";
import type { Host } from "../../inventory/model.ts";
import { gateOf, withSsh } from "../deploy/connect.ts";
import type { Context } from "../op.ts";

export interface Destination {
  readonly host: Host;
  /** A private key for the login; undefined: whatever ssh would take. */
  readonly identity: string | undefined;
}

/**
 * Sends the message over a connection of its own and gives the answer. Every event goes to `hear`, and to the person. Throws what the
 * gate refused, with its code in brackets; what ssh failed with is `connectionError`'s.
 */
export function tellGate(
  context: Pick<Context, "processes" | "files" | "emit" | "workingDirectory" | "fleet">,
  { host, identity }: Destination,
  message: GateMessage,
  hear: (event: GateEvent) => void = () => undefined,
): Promise<GateSuccess> {
  return withSsh(context, [host], identity, async (ssh) => {
    const answer = await askGate(gateOf(context, ssh, host, "fresh"), message, (event) => {
      context.emit({ type: "step", message: `${host.name}: ${event.step}: ${event.message}` });
      hear(event);
    });
    return accepted(answer, host.name);
  });
}
