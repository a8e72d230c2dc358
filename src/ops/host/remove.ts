import * as z from "zod";
import { planRemove } from "../../inventory/edit/change.ts";
import { secretsOf } from "../../inventory/recipients.ts";
import { oneHost } from "../../inventory/selectors.ts";
import { openFleet } from "../fleet-context.ts";
import { diffOf, editFleet } from "../fleet-edit.ts";
import { op } from "../op.ts";

export const hostRemove = op({
  effect: "write",
  input: z.object({
    name: z.string().describe("the host"),
    dryRun: z.boolean().default(false).describe("show the change, write nothing"),
  }),
  positional: ["name"],
  output: z.object({
    name: z.string(),
    files: z.array(z.string()),
    secrets: z.array(z.string()).describe("what it could read"),
    dryRun: z.boolean(),
    diff: z.string(),
  }),
  examples: [
    { command: "nixseal host remove lufta", says: "take it out, also where secrets name it" },
    { command: "nixseal host remove --dry-run lufta", says: "show what would change" },
  ],
  run: async (context, { name, dryRun }) => {
    const { fleet } = await openFleet(context);
    const secrets = secretsOf(fleet, oneHost(fleet, name)).map((secret) => secret.name);
    const plan = await editFleet(context, `host remove ${name}`, dryRun, (sources) =>
      planRemove(sources, "host", name),
    );
    return { name, files: plan.changes.map(({ file }) => file), secrets, dryRun, diff: diffOf(plan) };
  },
  text: ({ name, files, secrets, dryRun, diff }) => {
    if (dryRun) return diff;
    const done = `removed the host ${name} (${files.join(", ")})`;
    if (secrets.length === 0) return done;
    return `${done}

It could read: ${secrets.join(", ")}
Next: 'nixseal secrets rekey' takes its key off these files. What it has read it still knows:
set new values with 'nixseal secrets set NAME' if it is not trusted any more.`;
  },
});
