import { resolve } from "node:path";
import { z } from "zod";
import { formatPlan } from "../../deploy/plan.ts";
import { selectHosts } from "../../inventory/selectors.ts";
import { withLockedFleet } from "../locked-fleet.ts";
import { op } from "../op.ts";
import { withSsh } from "./connect.ts";
import {
  connectionFlags,
  orderFlags,
  rebootFlags,
  rebootsOf,
  rolloutOf,
  systemFlags,
  waveFlags,
} from "./flags.ts";
import { makePlan } from "./make-plan.ts";
import { requireHosts } from "./orders.ts";
import { planText } from "./plan-text.ts";
import { planSchema, planView } from "./plan-view.ts";
import { systemsOf } from "./systems.ts";
import { historyFlags, verifyHistory } from "./verified-history.ts";

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
  ],
  run: (context, given) =>
    withLockedFleet(context, "deploy plan", false, async (open) => {
      const hosts = selectHosts(open.fleet, given.hosts);
      requireHosts(hosts);
      await verifyHistory(context, open.directory, given);
      const systems = await systemsOf(context, open.directory, hosts, given);
      const rollout = rolloutOf(given, open.fleet.deploy);
      const { plan, unreachable } = await withSsh(context, hosts, given.identity, (ssh) =>
        makePlan(context, open, ssh, hosts, systems, {
          ...given,
          rollout,
          reboots: rebootsOf(given),
        }),
      );
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
