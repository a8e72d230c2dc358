import { resolve } from "node:path";
import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import { formatPlan, runsItAlready } from "../../deploy/plan.ts";
import { selectHosts } from "../../inventory/selectors.ts";
import { withLockedFleet } from "../locked-fleet.ts";
import { op } from "../op.ts";
import { withLateSsh } from "./connect.ts";
import { withDryRuns } from "./dry-runs.ts";
import {
  connectionFlags,
  orderFlags,
  rebootFlags,
  rebootsOf,
  rolloutOf,
  signerFlags,
  systemFlags,
  waveFlags,
} from "./flags.ts";
import { makePlan } from "./make-plan.ts";
import { requireHosts } from "./orders.ts";
import { planText } from "./plan-text.ts";
import { planSchema, planView } from "./plan-view.ts";
import { signPlan, textOfPlan } from "./sign-plan.ts";
import { systemsOf } from "./systems.ts";
import { historyFlags, verifyHistory } from "./verified-history.ts";

/** A signature is an order, whatever it was given for. */
const question =
  "Sign these orders, so that the hosts say what would change? From then on they may be activated.";

export const deployPlan = op({
  effect: "plan",
  input: z.object({
    hosts: z.array(z.string()).default([]).describe("which hosts: names, globs, tag:T, !name"),
    ...systemFlags,
    ...historyFlags,
    ...orderFlags,
    ...waveFlags,
    ...rebootFlags,
    ...connectionFlags,
    ...signerFlags,
    dryActivate: z
      .boolean()
      .default(false)
      .describe("sign the orders, send the systems, and let each host say what becomes of its units"),
    out: z
      .string()
      .optional()
      .meta({ short: "o", value: "FILE" })
      .describe("keep the plan, for deploy apply"),
  }),
  positional: ["hosts"],
  output: planSchema.extend({ file: z.string().nullable() }),
  examples: [
    {
      command: "nixseal deploy plan tag:web",
      says: "builds, orders, and says what would change on each host",
    },
    {
      command: "nixseal deploy plan '*' --canary 1 --wave 25 --out plan.json",
      says: "a plan for others to look at and sign",
    },
    {
      command: "nixseal deploy plan lufta --dry-activate",
      says: "asks the host itself: the order is signed and the system sent for that, nothing is activated",
    },
  ],
  run: (context, given) =>
    withLateSsh(context, given.identity, async (connect) => {
      if (given.dryActivate && given.action === "boot")
        throw new NixsealError(
          "usage",
          "--dry-activate asks what an activation does, and --action boot has none",
        );
      const made = await withLockedFleet(context, "deploy plan", false, async (open) => {
        const hosts = selectHosts(open.fleet, given.hosts);
        requireHosts(hosts);
        const wanted = { ...given, rollout: rolloutOf(given, open.fleet.deploy), reboots: rebootsOf(given) };
        await verifyHistory(context, open.directory, given);
        const systems = await systemsOf(context, open.directory, hosts, given);
        const ssh = await connect(hosts);
        const { plan, unreachable } = await makePlan(context, open, ssh, hosts, systems, wanted);
        const idle = new Set(plan.hosts.filter(runsItAlready).map(({ name }) => name));
        const signed = given.dryActivate
          ? await signPlan(context, open, { plan, unreachable }, idle, given, { shown: textOfPlan, question })
          : null;
        return { open, plan, unreachable, signed, ssh, store: systems.store };
      });
      const { open, unreachable, signed, ssh, store } = made;
      const plan =
        signed === null ? made.plan : await withDryRuns(context, open, ssh, made.plan, signed, store);
      if (given.out !== undefined)
        await context.files.writeAtomic(resolve(context.workingDirectory, given.out), formatPlan(plan), {
          mode: 0o644,
        });
      return { ...planView(plan, unreachable), file: given.out ?? null };
    }),
  text: (output, paint) =>
    [
      planText(output, paint),
      "",
      output.file === null
        ? "Next: nixseal deploy apply with the same words, which signs and deploys"
        : `Next: nixseal deploy apply ${output.file}`,
    ].join("\n"),
});
