/** A rollout's end as the verbs print it. */
import { z } from "zod";
import type { DeployPlan } from "../../deploy/plan.ts";
import { rolloutName } from "../../deploy/records.ts";
import type { RolloutReport } from "../../deploy/rollout.ts";
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
      outcome: z.enum(["done", "failed", "offline", "untouched"]),
      message: z.string(),
    }),
  ),
});

export type ReportView = z.output<typeof reportSchema>;

export function reportView(plan: DeployPlan, { reports, untouched, ended }: RolloutReport): ReportView {
  return {
    plan: plan.id,
    rollout: rolloutName(plan),
    ended: ended === null ? null : { ...ended },
    hosts: [
      ...reports.map(({ host, outcome, message }) => ({ host, outcome, message })),
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
  const counts = (["done", "failed", "offline", "untouched"] as const).flatMap((outcome) => {
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
