/** Asking a host what its own switch-to-configuration would do. */
import { accepted } from "./gate-client.ts";
import type { HostOrder, HostWorld } from "./host-steps.ts";
import { toldChanges, type UnitChanges } from "./unit-changes.ts";

const mostLines = 10_000;

/**
 * The order is offered, the closure sent, and nothing activated: the gate decides on a dry run as on an activation. No lease is
 * taken, since nothing changes that another could be in the way of.
 */
export async function dryRun(
  { host, order, offer }: Pick<HostOrder, "host" | "order" | "offer">,
  world: Pick<HostWorld, "ask" | "copy" | "say">,
): Promise<UnitChanges> {
  const status = accepted(await world.ask({ kind: "status" }, "shared"), host);
  accepted(await world.ask(await offer(status), "shared"), host);
  world.say("sending what it lacks");
  await world.copy();
  const lines: string[] = [];
  const message = {
    kind: "activate",
    warrant: order.digest,
    action: "dry-activate",
    rehash: false,
    fence: null,
    log: null,
  } as const;
  const answer = await world.ask(message, "shared", ({ step, message: line }) => {
    if (step === "output" && lines.length < mostLines) lines.push(line);
  });
  accepted(answer, host);
  return toldChanges(lines);
}
