import { join } from "node:path";
import * as z from "zod";
import { planRemove } from "../../inventory/edit/change.ts";
import { oneSecret } from "../../inventory/selectors.ts";
import { ciphertextFile, recordFile } from "../../secrets/store/stored-secret.ts";
import { diffOf, planIn, writeChanges } from "../fleet-edit.ts";
import { withLockedStore } from "./locked-store.ts";
import { op } from "../op.ts";

export const remove = op({
  effect: "write",
  input: z.object({
    name: z.string().describe("the secret"),
    dryRun: z.boolean().default(false).describe("show the change, write nothing"),
  }),
  positional: ["name"],
  output: z.object({ secret: z.string(), files: z.array(z.string()), dryRun: z.boolean(), diff: z.string() }),
  examples: [{ command: "nixseal secrets remove old-token", says: "its entry in fleet.toml and its files" }],
  run: (context, { name, dryRun }) =>
    withLockedStore(context, `secrets remove ${name}`, dryRun, async ({ directory, fleet }) => {
      oneSecret(fleet, name);
      const plan = await planIn(context.files, directory, (sources) => planRemove(sources, "secret", name));
      const files: string[] = [];
      for (const file of [recordFile(name), ciphertextFile(name)])
        if ((await context.files.statusOfLink(join(directory, file))) !== null) files.push(file);
      if (!dryRun) {
        // The entry first: killed after that, the files are strays that `secrets check` names.
        await writeChanges(context.files, directory, plan);
        for (const file of files) await context.files.remove(join(directory, file));
      }
      return { secret: name, files, dryRun, diff: diffOf(plan) };
    }),
  text: ({ secret, files, dryRun, diff }) =>
    dryRun
      ? `${diff}${files.map((file) => `would remove ${file}`).join("\n")}`
      : `removed ${secret}${files.length === 0 ? "" : ` (${files.join(", ")})`}
git's history still has it: whoever could read it can. Make the value useless where it was used.`,
});
