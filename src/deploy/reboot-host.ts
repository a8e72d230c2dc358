/** Having a host start anew after its activation, and seeing it come back as what was ordered. */
import { NixsealError } from "../core/errors.ts";
import { rebootText } from "../gate/reboot-message.ts";
import { accepted, type GateSuccess } from "./gate-client.ts";
import type { HostOrder, HostResult, HostWorld } from "./host-steps.ts";

/** Milliseconds between two looks. */
const pause = 2_000;

/** Whether the order is not in effect whole before the host has started anew, by what the host says. */
export function awaitsReboot({ order }: HostOrder, status: GateSuccess): boolean {
  return status["reboot"] === true || status["running"] !== order.warrant.toplevel;
}

/** Returns when the host is back, runs what was ordered and does its work: how long that took, for people. Throws for anything else. */
async function rebootHost(order: HostOrder, world: HostWorld, fence: number): Promise<string> {
  const { fleet, host } = order;
  const { digest: warrant } = order.order;
  const { boot, uptime } = accepted(await world.ask({ kind: "status" }, "shared"), host);
  if (typeof boot !== "string" || typeof uptime !== "number")
    throw new NixsealError("refused", "its gate knows no reboot", {
      hint: "it has an older nixseal-agent: deploy the newer one first, without --reboot",
      where: { host },
    });
  const signature = await world.sign(rebootText({ fleet, host, warrant, boot, uptime }), "reboot");
  world.say("starting anew");
  try {
    accepted(await world.ask({ kind: "reboot", warrant, boot, uptime, fence, signature }, "shared"), host);
  } catch (error) {
    // The machine may be down before its answer is here. Whether it is, the next boot shows.
    if (!(error instanceof NixsealError) || (error.code !== "io" && error.code !== "timeout")) throw error;
  }
  await world.disconnect();
  const began = world.clock.now().getTime();
  const back = await comeBack(order, world, boot, began);
  const seconds = Math.round((world.clock.now().getTime() - began) / 1000);
  const { running } = back;
  if (running !== order.order.warrant.toplevel)
    throw new NixsealError(
      "refused",
      `it came back with ${typeof running === "string" ? running : "no system"}, not with what was ordered`,
      {
        hint: "another entry of the boot menu was chosen, or the boot loader was not written",
        where: { host },
      },
    );
  const sick = await world.check();
  if (sick !== null) throw new NixsealError("refused", `after its reboot: ${sick}`, { where: { host } });
  return `started anew in ${seconds} s`;
}

/** Each look is a connection of its own. Bounded by the clock, and by a count of looks where the clock is set meanwhile. */
async function comeBack(
  { host, rebootWithin }: HostOrder,
  world: HostWorld,
  boot: string,
  began: number,
): Promise<GateSuccess> {
  for (let looks = 0; looks < rebootWithin / pause; looks++) {
    await world.clock.sleep(pause);
    if (world.clock.now().getTime() - began > rebootWithin) break;
    const status = await world.ask({ kind: "status" }, "fresh").catch((error: unknown) => {
      if (error instanceof NixsealError && error.code !== "refused") return null; // it is down, or not up yet
      throw error;
    });
    if (status?.ok === true && status["boot"] !== boot) return status;
  }
  throw new NixsealError("timeout", `it did not come back within ${rebootWithin / 1000} s of its reboot`, {
    hint: `at its console choose the former system in the boot menu, then 'nixseal deploy rollback ${host}'`,
    where: { host },
  });
}

/** What was activated stays whatever becomes of the reboot: its receipt is kept, and the report says both. */
export async function thenReboot(
  order: HostOrder,
  world: HostWorld,
  result: HostResult,
  fence: number,
): Promise<HostResult> {
  const { host, action, reboots } = order;
  if (result.outcome !== "done" || reboots === "never" || (action !== "switch" && action !== "boot"))
    return result;
  try {
    if (reboots === "if-needed" && result.changed) {
      const status = accepted(await world.ask({ kind: "status" }, "shared"), host);
      if (!awaitsReboot(order, status)) return result;
    }
    return { ...result, message: `runs it, ${await rebootHost(order, world, fence)}`, rebooted: true };
  } catch (error) {
    if (!(error instanceof NixsealError)) throw error;
    const hint = error.hint === undefined ? "" : ` (${error.hint})`;
    return {
      ...result,
      outcome: "failed",
      message: `${result.message}; ${error.message}${hint}`,
      changed: true,
    };
  }
}
