import { resolve } from "node:path";
import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import { exitCodes } from "../../core/exit.ts";
import { planLimit, type DeployPlan } from "../../deploy/plan.ts";
import { parsePlan } from "../../deploy/read-plan.ts";
import type { SshFleet } from "../../deploy/ssh.ts";
import * as rules from "../../inventory/field-rules.ts";
import type { Host } from "../../inventory/model.ts";
import { selectHosts } from "../../inventory/selectors.ts";
import type { OpenFleet } from "../fleet-context.ts";
import { withLockedFleet } from "../locked-fleet.ts";
import { op, type Context } from "../op.ts";
import { openState } from "../shared-state.ts";
import { openTrust } from "../trust/open.ts";
import { fleetName } from "../trust/root-flags.ts";
import { withLateSsh } from "./connect.ts";
import { execute, hostOf, isIdle } from "./execute.ts";
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
import { goBack } from "./go-back.ts";
import { makePlan, type MadePlan } from "./make-plan.ts";
import { requireHosts } from "./orders.ts";
import { planSigned } from "./plan-signed.ts";
import { reportSchema, reportText, reportView } from "./report.ts";
import type { OrderFile } from "./sign-orders.ts";
import { signPlan, textOfOrders, textOfPlan } from "./sign-plan.ts";
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
      const hasLog = !given.signed || open.fleet.state !== null;
      const report = await execute(world, { plan, orders, store, choice: given, rebootWithin, hasLog });
      if (report.ended?.how !== "revert") return reportView(plan, report, []);
      const back = { choice: given, expires: rules.seconds(given.expires), rebootWithin };
      return reportView(plan, report, await goBack(world, plan, report, back));
    }),
  text: reportText,
  exit: ({ hosts }) =>
    hosts.every(({ outcome }) => outcome === "done") ? exitCodes.done : exitCodes.partial,
});

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
  const planIt = given.signed ? planSigned : isFile ? planOfFile : planNow;
  const { made, store, ssh } = await planIt(context, open, given, connect);
  const { plan } = made;
  // Hosts that have just said that they run it. What a file says of them may be long ago.
  const idle = isFile ? [] : plan.hosts.filter((host) => isIdle(plan, host));
  const names = new Set(idle.map(({ name }) => name));
  const asked = { shown: isFile ? textOfOrders : textOfPlan, question: "Sign and deploy this?" };
  const orders = await signPlan(context, open, made, names, given, asked);
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
