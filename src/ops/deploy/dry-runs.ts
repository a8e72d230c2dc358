/** A plan in which the hosts themselves have said what becomes of their units. */
import { NixsealError } from "../../core/errors.ts";
import { dryRun } from "../../deploy/dry-run.ts";
import { askGate, type GateSuccess } from "../../deploy/gate-client.ts";
import { runsItAlready, type DeployPlan, type PlannedHost } from "../../deploy/plan.ts";
import { inParallel } from "../../deploy/rollout.ts";
import type { SshFleet } from "../../deploy/ssh.ts";
import type { OpenFleet } from "../fleet-context.ts";
import { offerFor } from "../gate/offer-message.ts";
import type { Context } from "../op.ts";
import { gateOf } from "./connect.ts";
import { hostOf } from "./execute.ts";
import { sendSystem } from "./send.ts";
import type { OrderFile } from "./sign-orders.ts";

/** Of hosts that cannot be asked, what the plan expects stays, and why is said. */
export async function withDryRuns(
  context: Context,
  open: OpenFleet,
  ssh: SshFleet,
  plan: DeployPlan,
  orders: ReadonlyMap<string, OrderFile>,
  store: string | null,
): Promise<DeployPlan> {
  const told = new Map<string, PlannedHost>();
  const asked = plan.hosts.filter((planned) => planned.current !== null && !runsItAlready(planned));
  await inParallel(asked, plan.rollout.parallel, async (planned) => {
    const { name, toplevel } = planned;
    const host = hostOf(open, name);
    const { envelope } = orders.get(name)!;
    const offer = (status: GateSuccess) => offerFor(context, open.directory, envelope, status);
    const say = (message: string): void => context.emit({ type: "step", message: `${name}: ${message}` });
    try {
      const units = await dryRun(
        { host: name, order: envelope, offer },
        {
          ask: (message, way, onEvent) => askGate(gateOf(context, ssh, host, way), message, onEvent),
          copy: () => sendSystem(context, ssh, host, toplevel, store),
          say,
        },
      );
      told.set(name, { ...planned, units });
    } catch (error) {
      if (!(error instanceof NixsealError) || error.code === "bug") throw error;
      const { message, hint } = error;
      context.emit({
        type: "warning",
        message: `${name} does not say what an activation would do: ${message}`,
        ...(hint === undefined ? {} : { hint }),
      });
    }
  });
  return { ...plan, hosts: plan.hosts.map((planned) => told.get(planned.name) ?? planned) };
}
