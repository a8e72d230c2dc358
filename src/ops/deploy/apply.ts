import { resolve } from "node:path";
import { z } from "zod";
import { NixsealError } from "../../core/errors.ts";
import { exitCodes } from "../../core/exit.ts";
import { planLimit, type DeployPlan } from "../../deploy/plan.ts";
import { parsePlan } from "../../deploy/read-plan.ts";
import type { HostReport, RolloutReport } from "../../deploy/rollout.ts";
import type { SshFleet } from "../../deploy/ssh.ts";
import * as rules from "../../inventory/field-rules.ts";
import type { Host } from "../../inventory/model.ts";
import { selectHosts } from "../../inventory/selectors.ts";
import type { OpenFleet } from "../fleet-context.ts";
import { withFleetLock, withLockedFleet } from "../locked-fleet.ts";
import { op, type Context } from "../op.ts";
import { openState } from "../shared-state.ts";
import { openTrust } from "../trust/open.ts";
import { fleetName } from "../trust/root-flags.ts";
import { withLateSsh } from "./connect.ts";
import { execute, hostOf, isIdle, type World } from "./execute.ts";
import { formersOf, orderAgain, planOfOrders } from "./former-orders.ts";
import {
  connectionFlags,
  orderFlags,
  rebootBound,
  rebootFlags,
  rebootsOf,
  rolloutOf,
  signerFlags,
  systemFlags,
  waveFlags,
} from "./flags.ts";
import { makePlan, type MadePlan } from "./make-plan.ts";
import { requireHosts } from "./orders.ts";
import { reportSchema, reportText, reportView } from "./report.ts";
import { signOrders, type OrderFile } from "./sign-orders.ts";
import { signPlan } from "./sign-plan.ts";
import { builderOf, systemsOf } from "./systems.ts";
import { historyFlags, verifyHistory } from "./verified-history.ts";

const input = z.object({
  what: z.array(z.string()).default([]).describe("a plan's file, or which hosts: names, globs, tag:T, !name"),
  ...systemFlags,
  ...historyFlags,
  ...orderFlags,
  ...waveFlags,
  ...rebootFlags,
  ...rebootBound,
  ...connectionFlags,
  ...signerFlags,
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
  ],
  run: (context, given) =>
    withLateSsh(context, given.identity, async (connect) => {
      // The lock is for the files of the fleet. While hosts are being changed, others may plan: leases keep them apart.
      const { open, plan, orders, store, ssh } = await withLockedFleet(
        context,
        "deploy apply",
        false,
        (fleet) => prepare(context, fleet, given, connect),
      );
      const trust = await openTrust(context, open.directory);
      const state = await openState(context, open);
      const world = { context, open, trust, ssh, state };
      const rebootWithin = rules.seconds(given.rebootWithin) * 1000;
      const report = await execute(world, { plan, orders, store, choice: given, rebootWithin });
      if (report.ended?.how !== "revert") return reportView(plan, report, []);
      return reportView(plan, report, await goBack(world, plan, report, given));
    }),
  text: reportText,
  exit: ({ hosts }) =>
    hosts.every(({ outcome }) => outcome === "done") ? exitCodes.done : exitCodes.partial,
});

/** The hosts that were done go back: what half of a fleet runs nobody has decided on. */
async function goBack(
  world: World,
  { rollout, reboots }: DeployPlan,
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
  // Whoever has started anew for the new kernel does so for the former one, and nobody else.
  const plan = planOfOrders(context, open, orders, all, reboots === "never" ? "never" : "if-needed");
  const rebootWithin = rules.seconds(given.rebootWithin) * 1000;
  const execution = { plan, orders, store: null, present: true, choice: given, rebootWithin };
  return (await execute(world, execution)).reports;
}

type Connect = (hosts: readonly Host[]) => Promise<SshFleet>;

interface Found {
  readonly made: MadePlan;
  readonly store: string | null;
  readonly ssh: SshFleet;
}

interface Ready extends Omit<Found, "made"> {
  readonly open: OpenFleet;
  readonly plan: DeployPlan;
  readonly orders: ReadonlyMap<string, OrderFile>;
}

async function prepare(context: Context, open: OpenFleet, given: Input, connect: Connect): Promise<Ready> {
  const isFile = given.what.length === 1 && given.what[0]!.endsWith(".json");
  const { made, store, ssh } = await (isFile ? planOfFile : planNow)(context, open, given, connect);
  const { plan } = made;
  // Hosts that have just said that they run it. What a file says of them may be long ago.
  const idle = isFile ? [] : plan.hosts.filter((host) => isIdle(plan, host));
  const names = new Set(idle.map(({ name }) => name));
  const orders = await signPlan(context, open, made, names, given, "Sign and deploy this?");
  return { open, plan, orders, store, ssh };
}

async function planOfFile(context: Context, open: OpenFleet, given: Input, connect: Connect): Promise<Found> {
  const made = await readPlan(context, open, given);
  const ssh = await connect(made.plan.hosts.map(({ name }) => hostOf(open, name)));
  return { made, store: given.store ?? builderOf(given), ssh };
}

async function readPlan(context: Context, { fleet }: OpenFleet, given: Input): Promise<MadePlan> {
  const [file] = given.what;
  const bytes = await context.files.read(resolve(context.workingDirectory, file!), { limit: planLimit });
  const kept = parsePlan(bytes);
  const asked = rebootsOf({ ...given, action: kept.action });
  const plan = asked === "never" ? kept : { ...kept, reboots: asked };
  if (plan.fleet === fleetName(fleet)) return { plan, unreachable: new Map() };
  throw new NixsealError("refused", `it is a plan of the fleet '${plan.fleet}'`, { where: { file } });
}

async function planNow(context: Context, open: OpenFleet, given: Input, connect: Connect): Promise<Found> {
  const hosts = selectHosts(open.fleet, given.what);
  requireHosts(hosts);
  await verifyHistory(context, open.directory, given);
  const systems = await systemsOf(context, open.directory, hosts, given);
  const rollout = rolloutOf(given, open.fleet.deploy);
  const ssh = await connect(hosts);
  const made = await makePlan(context, open, ssh, hosts, systems, {
    ...given,
    rollout,
    reboots: rebootsOf(given),
  });
  return { made, store: systems.store, ssh };
}
