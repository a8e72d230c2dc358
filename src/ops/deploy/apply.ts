import { resolve } from "node:path";
import { z } from "zod";
import { NixsealError } from "../../core/errors.ts";
import { exitCodes } from "../../core/exit.ts";
import { parsePlan, planLimit, type DeployPlan } from "../../deploy/plan.ts";
import type { HostReport, RolloutReport } from "../../deploy/rollout.ts";
import * as rules from "../../inventory/field-rules.ts";
import { selectHosts } from "../../inventory/selectors.ts";
import type { OpenFleet } from "../fleet-context.ts";
import { withFleetLock, withLockedFleet } from "../locked-fleet.ts";
import { op, type Context } from "../op.ts";
import { openState } from "../shared-state.ts";
import { openTrust, type OpenTrust } from "../trust/open.ts";
import { fleetName } from "../trust/root-flags.ts";
import { statuses, withSsh } from "./connect.ts";
import { execute, hostOf, ordersOf, type World } from "./execute.ts";
import { formersOf, orderAgain, planOfOrders } from "./former-orders.ts";
import { connectionFlags, orderFlags, rolloutOf, signerFlags, systemFlags, waveFlags } from "./flags.ts";
import { makePlan, type MadePlan } from "./make-plan.ts";
import { requireHosts } from "./orders.ts";
import { planText } from "./plan-text.ts";
import { planView } from "./plan-view.ts";
import { reportSchema, reportText, reportView } from "./report.ts";
import { signOrders, type OrderFile } from "./sign-orders.ts";
import { buildOrdered, signedOrders } from "./signed-orders.ts";
import { systemsOf } from "./systems.ts";
import { historyFlags, verifyHistory } from "./verified-history.ts";

const input = z.object({
  what: z.array(z.string()).default([]).describe("a plan's file, or which hosts: names, globs, tag:T, !name"),
  ...systemFlags,
  ...historyFlags,
  ...orderFlags,
  ...waveFlags,
  ...connectionFlags,
  ...signerFlags,
  signed: z
    .boolean()
    .default(false)
    .describe("carry out the newest orders that members have signed; nothing is ordered or signed here"),
});

type Input = z.output<typeof input>;

export const deployApply = op({
  effect: "write",
  input,
  positional: ["what"],
  output: reportSchema,
  examples: [
    { command: "nixseal deploy apply lufta", says: "build, show, ask, sign, send, activate, confirm" },
    {
      command: "nixseal deploy apply plan.json",
      says: "what was planned and signed; again, after an interruption",
    },
    {
      command: "nixseal deploy apply '*' --signed --yes",
      says: "in CI: bring every host what members have ordered for it",
    },
  ],
  run: async (context, given) => {
    const [file] = given.what;
    const isPlan = given.what.length === 1 && file!.endsWith(".json");
    // The lock is for the files of the fleet. While hosts are being changed, others may plan: leases keep them apart.
    const ready = await withLockedFleet(context, "deploy apply", false, (open) =>
      prepare(context, open, given, isPlan),
    );
    const { open, plan, orders, store } = ready;
    const hosts = plan.hosts.map(({ name }) => hostOf(open, name));
    const trust = await openTrust(context, open.directory);
    const state = await openState(context, open);
    return withSsh(context, hosts, given.identity, async (ssh) => {
      const world = { context, open, trust, ssh, state };
      const report = await execute(world, { plan, orders, store, choice: given });
      if (report.ended?.how !== "revert") return reportView(plan, report, []);
      return reportView(plan, report, await goBack(world, plan, report, given));
    });
  },
  text: reportText,
  exit: ({ hosts }) =>
    hosts.every(({ outcome }) => outcome === "done") ? exitCodes.done : exitCodes.partial,
});

/** The hosts that were done go back: what half of a fleet runs nobody has decided on. */
async function goBack(
  world: World,
  { rollout }: DeployPlan,
  { reports }: RolloutReport,
  given: Input,
): Promise<readonly HostReport[]> {
  const { context, open, trust, ssh } = world;
  const changed = reports.filter(({ outcome, changed: isNew }) => outcome === "done" && isNew);
  const hosts = changed.map(({ host }) => hostOf(open, host));
  if (hosts.length === 0) return [];
  context.emit({ type: "step", message: `going back: ${hosts.map(({ name }) => name).join(" ")}` });
  const orders = await withFleetLock(context, "deploy apply", async () => {
    const formers = await formersOf(context, open, ssh, hosts);
    const again = await orderAgain(context, open, formers, rules.seconds(given.expires));
    const signed = await signOrders(context, open, trust, [...again.values()], given);
    return new Map([...again.keys()].map((name, index) => [name, signed[index]!]));
  });
  const all = {
    ...rollout,
    canary: 0,
    steps: [],
    budget: { failures: hosts.length, beyond: "stop" },
  } as const;
  const plan = planOfOrders(context, open, orders, all);
  return (await execute(world, { plan, orders, store: null, present: true, choice: given })).reports;
}

interface Ready {
  readonly open: OpenFleet;
  readonly plan: DeployPlan;
  readonly orders: ReadonlyMap<string, OrderFile>;
  readonly store: string | null;
}

async function prepare(context: Context, open: OpenFleet, given: Input, isPlan: boolean): Promise<Ready> {
  const trust = await openTrust(context, open.directory);
  if (given.signed) return carry(context, open, trust, given, isPlan);
  const { made, store } = isPlan
    ? { made: await readPlan(context, open, given), store: given.store ?? given.builder ?? null }
    : await planNow(context, open, given);
  const orders = await ordersOf(context, open, made.plan);
  if (!given.yes) await ask(context, made);
  const signed = await signOrders(context, open, trust, [...orders.values()], given);
  return {
    open,
    plan: made.plan,
    orders: new Map([...orders.keys()].map((name, index) => [name, signed[index]!])),
    store,
  };
}

/** What is signed already, and built where it is not here. */
async function carry(
  context: Context,
  open: OpenFleet,
  trust: OpenTrust,
  given: Input,
  isPlan: boolean,
): Promise<Ready> {
  if (isPlan || given.toplevel.length > 0)
    throw new NixsealError("usage", "--signed takes hosts: the orders say what they get", {
      hint: "leave out the plan and --toplevel",
    });
  const hosts = selectHosts(open.fleet, given.what);
  requireHosts(hosts);
  await verifyHistory(context, open.directory, given);
  const orders = await signedOrders(context, open, trust, hosts);
  const plan = planOfOrders(context, open, orders, rolloutOf(given, open.fleet.deploy));
  if (!given.yes) await ask(context, { plan, unreachable: new Map() });
  const ordered = hosts.filter(({ name }) => orders.has(name));
  const answers = await withSsh(context, ordered, given.identity, (ssh) => statuses(context, ssh, ordered));
  await buildOrdered(context, open, orders, answers, given);
  return { open, plan, orders, store: given.store ?? given.builder ?? null };
}

async function readPlan(context: Context, { fleet }: OpenFleet, { what }: Input): Promise<MadePlan> {
  const [file] = what;
  const bytes = await context.files.read(resolve(context.workingDirectory, file!), { limit: planLimit });
  const plan = parsePlan(bytes);
  if (plan.fleet === fleetName(fleet)) return { plan, unreachable: new Map() };
  throw new NixsealError("refused", `it is a plan of the fleet '${plan.fleet}'`, { where: { file } });
}

async function planNow(
  context: Context,
  open: OpenFleet,
  given: Input,
): Promise<{ made: MadePlan; store: string | null }> {
  const hosts = selectHosts(open.fleet, given.what);
  requireHosts(hosts);
  await verifyHistory(context, open.directory, given);
  const systems = await systemsOf(context, open.directory, hosts, given);
  const rollout = rolloutOf(given, open.fleet.deploy);
  const made = await withSsh(context, hosts, given.identity, (ssh) =>
    makePlan(context, open, ssh, hosts, systems, { ...given, rollout }),
  );
  return { made, store: systems.store };
}

const plain = (text: string): string => text;

async function ask(context: Context, { plan, unreachable }: MadePlan): Promise<void> {
  const shown = planText(planView(plan, unreachable), {
    good: plain,
    bad: plain,
    weak: plain,
    strong: plain,
  });
  if (!(await context.person.askYesNo(`${shown}\nSign and deploy this?`)))
    throw new NixsealError("cancelled", "nothing was deployed");
}
