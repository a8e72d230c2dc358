/** Going back is an order like any other: what ran before, signed once more, with a number of its own. */
import { hex } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { DeployPlan, PlannedHost, Reboots } from "../../deploy/plan.ts";
import type { RolloutPlan } from "../../deploy/rollout.ts";
import type { SshFleet } from "../../deploy/ssh.ts";
import type { Host } from "../../inventory/model.ts";
import { closureOfWarrant } from "../../trust/warrant/draft.ts";
import type { WarrantEnvelope } from "../../trust/warrant/envelope.ts";
import { keptWarrants, readKept } from "../../trust/warrant/store.ts";
import type { OpenFleet } from "../fleet-context.ts";
import type { Context } from "../op.ts";
import { fleetName } from "../trust/root-flags.ts";
import { draftInto } from "../warrant/draft-file.ts";
import { statuses } from "./connect.ts";
import type { OrderFile } from "./sign-orders.ts";

/** A plan of orders that exist. The hosts have the paths. */
export function planOfOrders(
  context: Pick<Context, "random" | "clock">,
  { fleet }: OpenFleet,
  orders: ReadonlyMap<string, OrderFile>,
  rollout: RolloutPlan,
  reboots: Reboots = "never",
): DeployPlan {
  return {
    fleet: fleetName(fleet),
    id: hex(context.random.bytes(16)),
    created: context.clock.now(),
    action: "switch",
    reboots,
    rollout,
    hosts: [...orders].map(([name, order]) => plannedOf(name, order)),
  };
}

function plannedOf(name: string, { envelope, file }: OrderFile): PlannedHost {
  const { warrant, digest } = envelope;
  return {
    name,
    toplevel: warrant.toplevel,
    warrant: { file, seq: warrant.seq, digest },
    current: null,
    change: null,
    reboot: null,
    units: null,
    secrets: null,
  };
}

/** The newest order before the one that each host runs by which orders another system. */
export async function formersOf(
  context: Context,
  open: OpenFleet,
  ssh: SshFleet,
  hosts: readonly Host[],
): Promise<Map<string, WarrantEnvelope>> {
  const answers = await statuses(context, ssh, hosts);
  const formers = new Map<string, WarrantEnvelope>();
  for (const { name } of hosts) {
    const answer = answers.get(name)!;
    if (answer instanceof NixsealError) throw answer;
    formers.set(name, await formerOf(context, open, name, answer["active"]));
  }
  return formers;
}

/** The newest order before `active` (a digest) that names another system. `not-found` when there is none. */
export async function formerOf(
  { files }: Pick<Context, "files">,
  { directory }: Pick<OpenFleet, "directory">,
  name: string,
  active: unknown,
): Promise<WarrantEnvelope> {
  const subject = { kind: "host", name } as const;
  const seqs = (await keptWarrants(files, directory, subject)).toReversed();
  let current: WarrantEnvelope | null = null;
  for (const seq of seqs) {
    const kept = await readKept(files, directory, subject, seq);
    if (current === null) current = kept.digest === active ? kept : null;
    else if (kept.warrant.toplevel !== current.warrant.toplevel && kept.signatures.length > 0) return kept;
  }
  throw new NixsealError(
    "not-found",
    `there is no former order for '${name}' that could be given once more`,
    {
      hint: `what it runs by is ${current === null ? "not known here" : "the first"}; nixseal warrant create ${name} --toplevel PATH`,
    },
  );
}

/** Drafts, unsigned. Under the fleet's lock. */
export async function orderAgain(
  context: Context,
  { directory, fleet }: OpenFleet,
  formers: ReadonlyMap<string, WarrantEnvelope>,
  seconds: number,
): Promise<Map<string, OrderFile>> {
  const orders = new Map<string, OrderFile>();
  for (const [name, { warrant }] of formers) {
    const subject = { kind: "host", name } as const;
    const order = { fleet: fleetName(fleet), subject, action: "switch", source: warrant.source } as const;
    const { envelope, file } = await draftInto(context, directory, order, closureOfWarrant(warrant), {
      seconds,
    });
    orders.set(name, { envelope, file });
  }
  return orders;
}
