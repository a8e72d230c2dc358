import * as z from "zod";
import { planRename } from "../../inventory/edit/change.ts";
import { name as nameRule } from "../../inventory/field-rules.ts";
import { oneHost } from "../../inventory/selectors.ts";
import { openFleet } from "../fleet-context.ts";
import { diffOf, editFleet } from "../fleet-edit.ts";
import { matching } from "../matching.ts";
import { op } from "../op.ts";

export const hostRename = op({
  effect: "write",
  input: z.object({
    from: z.string().describe("the host"),
    to: matching(nameRule).describe("its new name"),
    dryRun: z.boolean().default(false).describe("show the change, write nothing"),
  }),
  positional: ["from", "to"],
  output: z.object({
    from: z.string(),
    to: z.string(),
    files: z.array(z.string()),
    addressChanged: z.boolean().describe("whether its address was its name"),
    dryRun: z.boolean(),
    diff: z.string(),
  }),
  examples: [{ command: "nixseal host rename lufta ilmatar", says: "also where secrets name it" }],
  run: async (context, { from, to, dryRun }) => {
    const { fleet } = await openFleet(context);
    const before = oneHost(fleet, from);
    const plan = await editFleet(context, `host rename ${from}`, dryRun, (sources) =>
      planRename(sources, "host", from, to),
    );
    const addressChanged = before.address === from && oneHost(plan.fleet!, to).address === to;
    return {
      from,
      to,
      files: plan.changes.map(({ file }) => file),
      addressChanged,
      dryRun,
      diff: diffOf(plan),
    };
  },
  text: ({ from, to, files, addressChanged, dryRun, diff }) => {
    if (dryRun) return diff;
    const done = `renamed the host ${from} to ${to} (${files.join(", ")})`;
    if (!addressChanged) return done;
    return `${done}\n\nIt has no address, so it is reached as ${to} now. If that is wrong, set hosts.${to}.address.`;
  },
});
