import { join } from "node:path";
import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import { name as nameRule } from "../../inventory/field-rules.ts";
import { planRename } from "../../inventory/edit/change.ts";
import type { SecretName } from "../../inventory/model.ts";
import { oneSecret } from "../../inventory/selectors.ts";
import { ciphertextFile, recordFile } from "../../secrets/store/stored-secret.ts";
import { diffOf, planIn, writeChanges } from "../fleet-edit.ts";
import { withLockedStore } from "./locked-store.ts";
import { matching } from "../matching.ts";
import { op } from "../op.ts";

export const rename = op({
  effect: "write",
  input: z.object({
    from: z.string().describe("the secret"),
    to: matching(nameRule).describe("its new name"),
    dryRun: z.boolean().default(false).describe("show the change, write nothing"),
  }),
  positional: ["from", "to"],
  output: z.object({
    from: z.string(),
    to: z.string(),
    pathChanged: z.boolean(),
    dryRun: z.boolean(),
    diff: z.string(),
  }),
  examples: [
    { command: "nixseal secrets rename db-pw db-password", says: "its entry and its files; needs no key" },
  ],
  run: (context, { from, to, dryRun }) =>
    withLockedStore(context, `secrets rename ${from}`, dryRun, async ({ directory, fleet }) => {
      const { files } = context;
      if (!fleet.secrets.has(from as SecretName) && fleet.secrets.has(to as SecretName)) {
        // A run before this one was stopped after the entry had changed: what is left is to drop the old names.
        if (!dryRun) await dropOldNames(files, directory, from, to);
        return { from, to, pathChanged: false, dryRun, diff: "" };
      }
      const before = oneSecret(fleet, from);
      const plan = await planIn(files, directory, (sources) => planRename(sources, "secret", from, to));
      const pathChanged = before.path !== oneSecret(plan.fleet!, to).path;
      if (!dryRun) {
        await addNewNames(files, directory, from, to);
        await writeChanges(files, directory, plan); // here the rename happens: before it both names lead to the file
        await dropOldNames(files, directory, from, to);
      }
      return { from, to, pathChanged, dryRun, diff: diffOf(plan) };
    }),
  text: ({ from, to, pathChanged, dryRun, diff }) => {
    if (dryRun) return diff;
    const done = `renamed ${from} to ${to}`;
    return pathChanged ? `${done}\non its hosts it appears at /run/nixseal/secrets/${to} now` : done;
  },
});

const namesOf = (secret: string): string[] => [ciphertextFile(secret), recordFile(secret)];

async function addNewNames(files: Files, directory: string, from: string, to: string): Promise<void> {
  for (const [index, file] of namesOf(from).entries()) {
    const [old, fresh] = [join(directory, file), join(directory, namesOf(to)[index]!)];
    if ((await files.statusOfLink(old)) === null || (await sameFile(files, old, fresh))) continue;
    if ((await files.statusOfLink(fresh)) !== null)
      throw new NixsealError("conflict", `${namesOf(to)[index]} is there already`, {
        hint: "it belongs to no secret of the inventory; look at it, then move it away",
        where: { file: fresh },
      });
    await files.link(old, fresh);
  }
}

/** Only a name of the same file is dropped: never the only one. */
async function dropOldNames(files: Files, directory: string, from: string, to: string): Promise<void> {
  for (const [index, file] of namesOf(from).entries()) {
    const [old, fresh] = [join(directory, file), join(directory, namesOf(to)[index]!)];
    if (await sameFile(files, old, fresh)) await files.remove(old);
  }
}

async function sameFile(files: Files, a: string, b: string): Promise<boolean> {
  const [one, other] = [await files.statusOfLink(a), await files.statusOfLink(b)];
  return one !== null && other !== null && one.device === other.device && one.inode === other.inode;
}
