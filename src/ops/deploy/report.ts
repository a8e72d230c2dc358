/** A rollout's end as the verbs print it. */
import * as z from "zod";
import type { DeployPlan } from "../../deploy/plan.ts";
import { rolloutName } from "../../deploy/records.ts";
import type { HostReport, RolloutReport } from "../../deploy/rollout.ts";
import type { Paint } from "../op.ts";
import { table } from "../table.ts";

export const reportSchema = z.object({
  plan: z.string(),
  rollout: z.string().describe("its name for deploy watch"),
  ended: z
    .object({ how: z.enum(["stop", "revert"]), reason: z.string() })
    .nullable()
    .describe("why it ended before the last host"),
  hosts: z.array(
    z.object({
      host: z.string(),
      outcome: z.enum(["done", "failed", "offline", "reverted", "untouched"]),
      message: z.string(),
    }),
  ),
});

export type ReportView = z.output<typeof reportSchema>;

/** `back`: what became of the hosts that were to return to their former system. */
export function reportView(
  plan: DeployPlan,
  { reports, untouched, ended }: RolloutReport,
  back: readonly HostReport[],
): ReportView {
  const returned = new Map(back.map((one) => [one.host, one]));
  return {
    plan: plan.id,
    rollout: rolloutName(plan),
    ended: ended === null ? null : { ...ended },
    hosts: [
      ...reports.map(({ host, outcome, message }) => {
        const again = returned.get(host);
        if (again === undefined) return { host, outcome, message };
        return again.outcome === "done"
          ? { host, outcome: "reverted" as const, message: "runs its former system again" }
          : { host, outcome: "failed" as const, message: `could not go back: ${again.message}` };
      }),
      ...untouched.map((host) => ({ host, outcome: "untouched" as const, message: "was not begun" })),
    ],
  };
}

export function reportText({ hosts, ended }: ReportView, paint: Paint): string {
  const coloured = (outcome: ReportView["hosts"][number]["outcome"]): string => {
    if (outcome === "done") return paint.good(outcome);
    return outcome === "untouched" ? paint.weak(outcome) : paint.bad(outcome);
  };
  const rows = hosts.map(({ host, outcome, message }) => [host, coloured(outcome), message]);
  const counts = (["done", "failed", "offline", "reverted", "untouched"] as const).flatMap((outcome) => {
    const many = hosts.filter((host) => host.outcome === outcome).length;
    return many === 0 ? [] : [`${many} ${outcome}`];
  });
  return [
    table(["HOST", "OUTCOME", ""], rows, paint),
    "",
    ...(ended === null ? [] : [paint.bad(`ended early: ${ended.reason}`)]),
    counts.join(", "),
  ].join("\n");
}
