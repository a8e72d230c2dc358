/** Back to what ran before, when more fails than the budget bears. */
import { NixsealError } from "../../core/errors.ts";
import type { DeployPlan } from "../../deploy/plan.ts";
import type { HostReport, RolloutReport } from "../../deploy/rollout.ts";
import type { WarrantEnvelope } from "../../trust/warrant/envelope.ts";
import { withFleetLock } from "../locked-fleet.ts";
import type { SignerChoice } from "../warrant/add-signature.ts";
import { execute, type World } from "./execute.ts";
import { formerOf, orderAgain, planOfOrders } from "./former-orders.ts";
import { signOrders, type OrderFile } from "./sign-orders.ts";

export interface GoingBack {
  readonly choice: SignerChoice;
  /** Seconds for which the orders hold. */
  readonly expires: number;
  /** Milliseconds that a host may take to be back from a reboot. */
  readonly rebootWithin: number;
}

/**
 * The hosts that were done go back: what half of a fleet runs nobody has decided on. One that cannot is a line of the report, and keeps no
 * other from it. What they run is what was just ordered: a host that says otherwise would choose what is signed for it.
 */
export async function goBack(
  world: World,
  { rollout, reboots, hosts: planned }: DeployPlan,
  { reports }: RolloutReport,
  { choice, expires, rebootWithin }: GoingBack,
): Promise<readonly HostReport[]> {
  const { context, open, trust } = world;
  const isChanged = new Set(
    reports.filter(({ outcome, changed }) => outcome === "done" && changed).map(({ host }) => host),
  );
  const changed = planned.filter(({ name }) => isChanged.has(name));
  if (changed.length === 0) return [];
  context.emit({ type: "step", message: `going back: ${changed.map(({ name }) => name).join(" ")}` });
  const formers = new Map<string, WarrantEnvelope>();
  const stuck: HostReport[] = [];
  const stays = (host: string, error: unknown): void => {
    if (!(error instanceof NixsealError)) throw error;
    stuck.push({ host, outcome: "failed", message: error.message, changed: false });
  };
  for (const { name, warrant } of changed)
    await formerOf(context, open, name, warrant.digest).then(
      (former) => formers.set(name, former),
      (error: unknown) => stays(name, error),
    );
  let orders: ReadonlyMap<string, OrderFile>;
  try {
    orders = await withFleetLock(context, "deploy apply", async () => {
      const again = await orderAgain(context, open, formers, expires);
      const signed = await signOrders(context, open, trust, [...again.values()], choice);
      return new Map([...again.keys()].map((name, index) => [name, signed[index]!]));
    });
  } catch (error) {
    for (const name of formers.keys()) stays(name, error);
    return stuck;
  }
  if (orders.size === 0) return stuck;
  const all = {
    ...rollout,
    canary: 0,
    steps: [],
    budget: { failures: orders.size, beyond: "stop" },
  } as const;
  // Whoever has started anew for the new kernel does so for the former one, and nobody else.
  const plan = planOfOrders(context, open, orders, all, reboots === "never" ? "never" : "if-needed");
  const back = await execute(world, { plan, orders, store: null, present: true, choice, rebootWithin });
  return [...stuck, ...back.reports];
}
