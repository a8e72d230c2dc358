import * as z from "zod";
import { planRemove } from "../../inventory/edit/change.ts";
import { oneMember } from "../../inventory/selectors.ts";
import { openFleet } from "../fleet-context.ts";
import { diffOf, editFleet } from "../fleet-edit.ts";
import { op } from "../op.ts";
import { secretsRead } from "./view.ts";

export const memberRemove = op({
  effect: "write",
  input: z.object({
    name: z.string().describe("the member"),
    dryRun: z.boolean().default(false).describe("show the change, write nothing"),
  }),
  positional: ["name"],
  output: z.object({
    name: z.string(),
    files: z.array(z.string()),
    secrets: z.array(z.string()).describe("what the member could read"),
    dryRun: z.boolean(),
    diff: z.string(),
  }),
  examples: [{ command: "nixseal member remove bob", says: "also where secrets name bob as a reader" }],
  run: async (context, { name, dryRun }) => {
    const { fleet } = await openFleet(context);
    const secrets = secretsRead(fleet, oneMember(fleet, name));
    const plan = await editFleet(context, `member remove ${name}`, dryRun, (sources) =>
      planRemove(sources, "member", name),
    );
    return { name, files: plan.changes.map(({ file }) => file), secrets, dryRun, diff: diffOf(plan) };
  },
  text: ({ name, files, secrets, dryRun, diff }) => {
    if (dryRun) return diff;
    const done = `removed the member ${name} (${files.join(", ")})`;
    if (secrets.length === 0) return done;
    return `${done}

${name} could read: ${secrets.join(", ")}
Next: 'nixseal secrets rekey' takes the keys off these files. What ${name} has read stays known:
set new values with 'nixseal secrets set NAME'.`;
  },
});
