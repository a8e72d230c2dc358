import { NixsealError } from "../../core/errors.ts";
import type { GateSuccess } from "../../deploy/gate-client.ts";
import type { PlannedHost } from "../../deploy/plan.ts";
import type { SshFleet } from "../../deploy/ssh.ts";
import type { Host } from "../../inventory/model.ts";
import { selectHosts } from "../../inventory/selectors.ts";
import type { OpenFleet } from "../fleet-context.ts";
import type { Context } from "../op.ts";
import { openTrust } from "../trust/open.ts";
import { statuses } from "./connect.ts";
import { rebootsOf, rolloutOf } from "./flags.ts";
import { planOfOrders } from "./former-orders.ts";
import type { MadePlan } from "./make-plan.ts";
import { requireHosts } from "./orders.ts";
import { buildOrdered, signedOrders } from "./signed-orders.ts";
import type { SystemChoice } from "./systems.ts";
import { verifyHistory } from "./verified-history.ts";

type Choice = SystemChoice &
  Parameters<typeof rolloutOf>[0] &
  Parameters<typeof rebootsOf>[0] &
  Parameters<typeof verifyHistory>[2] & { readonly what: readonly string[] };

/** A plan of what is signed already, built where it is not here. Nothing is ordered. */
export async function planSigned(
  context: Context,
  open: OpenFleet,
  given: Choice,
  connect: (hosts: readonly Host[]) => Promise<SshFleet>,
): Promise<{ readonly made: MadePlan; readonly store: string | null; readonly ssh: SshFleet }> {
  if (given.what.some((word) => word.endsWith(".json")) || given.toplevel.length > 0)
    throw new NixsealError("usage", "--signed takes hosts: the orders say what they get", {
      hint: "leave out the plan and --toplevel",
    });
  if (given.buildOnTarget)
    throw new NixsealError("usage", "--signed builds here, or with --builder elsewhere", {
      hint: "leave out --build-on-target",
    });
  const hosts = selectHosts(open.fleet, given.what);
  requireHosts(hosts);
  await verifyHistory(context, open.directory, given);
  const trust = await openTrust(context, open.directory);
  const orders = await signedOrders(context, open, trust, hosts);
  const ordered = hosts.filter(({ name }) => orders.has(name));
  const ssh = await connect(ordered);
  const answers = await statuses(context, ssh, ordered);
  await buildOrdered(context, open, orders, answers, given);
  const made = planOfOrders(context, open, orders, rolloutOf(given, open.fleet.deploy), rebootsOf(given));
  const plan = { ...made, hosts: made.hosts.map((host) => withStatus(host, answers.get(host.name))) };
  const unreachable = new Map(
    [...answers].flatMap(([name, answer]) => (answer instanceof NixsealError ? [[name, answer]] : [])),
  );
  return { made: { plan, unreachable }, store: given.store ?? given.builder ?? null, ssh };
}

/** Who runs it already has nothing to do: nobody waits for such hosts. */
function withStatus(host: PlannedHost, answer: GateSuccess | NixsealError | undefined): PlannedHost {
  const { digest } = host.warrant;
  const runs = answer !== undefined && !(answer instanceof NixsealError) && answer["active"] === digest;
  return runs ? { ...host, current: { toplevel: host.toplevel, warrant: digest } } : host;
}
