/** A plan as the verbs print it. */
import * as z from "zod";
import type { NixsealError } from "../../core/errors.ts";
import { reboots, type DeployPlan } from "../../deploy/plan.ts";
import { actions } from "../../trust/warrant/model.ts";

const names = z.array(z.string()).readonly();

export const planSchema = z.object({
  fleet: z.string(),
  id: z.string(),
  created: z.string(),
  action: z.enum(actions),
  reboots: z.enum(reboots).describe("which hosts start anew after the activation"),
  rollout: z.object({
    canary: z.number(),
    steps: z.array(z.number()).readonly(),
    parallel: z.number(),
    soak: z.number().describe("seconds"),
    budget: z.object({ failures: z.number(), beyond: z.enum(["stop", "revert"]) }),
  }),
  hosts: z.array(
    z.object({
      name: z.string(),
      toplevel: z.string(),
      warrant: z.object({ file: z.string(), seq: z.number(), digest: z.string() }),
      current: z
        .object({ toplevel: z.string().nullable(), warrant: z.string().nullable() })
        .nullable()
        .describe("what it runs; null when it could not be asked"),
      unreachable: z.string().nullable().describe("why it could not be asked"),
      change: z
        .object({ added: names, removed: names, changed: names, rebuilt: z.number(), bytes: z.number() })
        .nullable(),
      reboot: z.boolean().nullable().describe("whether what changes needs a boot to take effect"),
      units: z
        .object({
          source: z
            .enum(["expected", "dry-activate"])
            .describe("from the files of both systems, or by the host's word"),
          start: names,
          stop: names,
          restart: names,
          reload: names,
          keep: names.describe("changed, and left as they run"),
        })
        .nullable()
        .describe("what the activation does to units; null when it is not known"),
      secrets: z
        .object({ added: names, removed: names, changed: names, moved: names })
        .nullable()
        .describe("by their ciphertexts; null when it is not known"),
    }),
  ),
});

export type PlanView = z.output<typeof planSchema>;

export function planView(plan: DeployPlan, unreachable: ReadonlyMap<string, NixsealError>): PlanView {
  const { created, rollout, hosts, ...rest } = plan;
  return {
    ...rest,
    created: created.toISOString(),
    rollout: { ...rollout, budget: { ...rollout.budget } },
    hosts: hosts.map((host) => ({
      ...host,
      warrant: { ...host.warrant },
      current: host.current === null ? null : { ...host.current },
      change: host.change === null ? null : { ...host.change },
      units: host.units === null ? null : { ...host.units },
      secrets: host.secrets === null ? null : { ...host.secrets },
      unreachable: unreachable.get(host.name)?.message ?? null,
    })),
  };
}
