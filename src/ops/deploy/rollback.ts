import { z } from "zod";
import { NixsealError } from "../../core/errors.ts";
import { exitCodes } from "../../core/exit.ts";
import * as rules from "../../inventory/field-rules.ts";
import type { DeployPlan, PlannedHost } from "../../deploy/plan.ts";
import type { SshFleet } from "../../deploy/ssh.ts";
import { hex } from "../../core/bytes.ts";
import type { Host } from "../../inventory/model.ts";
import { selectHosts } from "../../inventory/selectors.ts";
import { closureOfWarrant } from "../../trust/warrant/draft.ts";
import type { WarrantEnvelope } from "../../trust/warrant/envelope.ts";
import { keptWarrants, readKept } from "../../trust/warrant/store.ts";
import type { OpenFleet } from "../fleet-context.ts";
import { withLockedFleet } from "../locked-fleet.ts";
import { op, type Context } from "../op.ts";
import { openState } from "../shared-state.ts";
import { openTrust } from "../trust/open.ts";
import { fleetName } from "../trust/root-flags.ts";
import { draftInto } from "../warrant/draft-file.ts";
import { statuses, withSsh } from "./connect.ts";
import { execute } from "./execute.ts";
import { connectionFlags, orderFlags, rolloutOf, signerFlags, waveFlags } from "./flags.ts";
import { requireHosts } from "./orders.ts";
import { reportSchema, reportText, reportView } from "./report.ts";
import { signOrders, type OrderFile } from "./sign-orders.ts";

export const deployRollback = op({
  effect: "write",
  input: z.object({
    hosts: z.array(z.string()).default([]).describe("which hosts"),
    expires: orderFlags.expires,
    ...waveFlags,
    ...connectionFlags,
    ...signerFlags,
  }),
  positional: ["hosts"],
  output: reportSchema,
  examples: [
    {
      command: "nixseal deploy rollback lufta",
      says: "order once more what ran before, sign it, activate it: the paths are there still",
    },
  ],
  run: async (context, given) => {
    const ready = await withLockedFleet(context, "deploy rollback", false, async (open) => {
      const hosts = selectHosts(open.fleet, given.hosts);
      requireHosts(hosts);
      const formers = await withSsh(context, hosts, given.identity, (ssh) =>
        formersOf(context, open, ssh, hosts),
      );
      const lines = [...formers].map(
        ([name, { warrant }]) => `${name}: back to ${warrant.toplevel} (order ${warrant.seq})`,
      );
      if (!given.yes && !(await context.person.askYesNo(`${lines.join("\n")}\nSign and deploy this?`)))
        throw new NixsealError("cancelled", "nothing was deployed");
      const trust = await openTrust(context, open.directory);
      const orders = await orderAgain(context, open, formers, rules.seconds(given.expires));
      const signed = await signOrders(context, open, trust, [...orders.values()], given);
      return {
        open,
        hosts,
        trust,
        orders: new Map([...orders.keys()].map((name, index) => [name, signed[index]!])),
      };
    });
    const { open, hosts, trust, orders } = ready;
    const plan: DeployPlan = {
      fleet: fleetName(open.fleet),
      id: hex(context.random.bytes(16)),
      created: context.clock.now(),
      action: "switch",
      rollout: rolloutOf(given, open.fleet.deploy),
      hosts: hosts.map(({ name }) => plannedOf(name, orders.get(name)!)),
    };
    const state = await openState(context, open);
    const execution = { plan, orders, store: null, choice: given, present: true };
    const report = await withSsh(context, hosts, given.identity, (ssh) =>
      execute(context, open, trust, ssh, state, execution),
    );
    return reportView(plan, report);
  },
  text: reportText,
  exit: ({ hosts }) =>
    hosts.every(({ outcome }) => outcome === "done") ? exitCodes.done : exitCodes.partial,
});

function plannedOf(name: string, { envelope, file }: OrderFile): PlannedHost {
  const { warrant, digest } = envelope;
  return {
    name,
    toplevel: warrant.toplevel,
    warrant: { file, seq: warrant.seq, digest },
    current: null,
    change: null,
    reboot: null,
  };
}

/** The newest order before the one that each host runs by which orders another system. */
async function formersOf(
  context: Context,
  { directory }: OpenFleet,
  ssh: SshFleet,
  hosts: readonly Host[],
): Promise<Map<string, WarrantEnvelope>> {
  const answers = await statuses(context, ssh, hosts);
  const formers = new Map<string, WarrantEnvelope>();
  for (const { name } of hosts) {
    const answer = answers.get(name)!;
    if (answer instanceof NixsealError) throw answer;
    const subject = { kind: "host", name } as const;
    const seqs = (await keptWarrants(context.files, directory, subject)).toReversed();
    let active: WarrantEnvelope | null = null;
    for (const seq of seqs) {
      const kept = await readKept(context.files, directory, subject, seq);
      if (active === null) active = kept.digest === answer["active"] ? kept : null;
      else if (kept.warrant.toplevel !== active.warrant.toplevel && kept.signatures.length > 0) {
        formers.set(name, kept);
        break;
      }
    }
    if (!formers.has(name))
      throw new NixsealError(
        "not-found",
        `there is no former order for '${name}' that could be given once more`,
        {
          hint: `what it runs by is ${active === null ? "not known here" : "the first"}; nixseal warrant create ${name} --toplevel PATH`,
        },
      );
  }
  return formers;
}

async function orderAgain(
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
