import * as z from "zod";
import { oneSecret } from "../../inventory/selectors.ts";
import { NixsealError } from "../../core/errors.ts";
import { SecretValue } from "../../core/secret-value.ts";
import { recipientsOf } from "../../inventory/recipients.ts";
import { editValue } from "../../secrets/store/edit-value.ts";
import { setValue } from "../../secrets/store/set-value.ts";
import { swapOnDisk } from "../../secrets/swap.ts";
import { readStored } from "../../secrets/store/stored-secret.ts";
import { op, type Context } from "../op.ts";
import { identityFlag, openSecret } from "./identities.ts";
import { withLockedStore } from "./locked-store.ts";
import { recipientParser } from "./recipient-parser.ts";

export const edit = op({
  effect: "write",
  input: z.object({
    name: z.string().describe("the secret; made when it has no value yet"),
    identity: identityFlag,
  }),
  positional: ["name"],
  output: z.object({ secret: z.string(), changed: z.boolean(), epoch: z.number().nullable() }),
  examples: [
    {
      command: "EDITOR=nano nixseal secrets edit wifi",
      says: "in an editor of your choice; the plaintext stays in memory",
    },
  ],
  run: (context, { name, identity }) =>
    withLockedStore(context, `secrets edit ${name}`, false, async ({ directory, fleet }) => {
      const wanted = recipientsOf(fleet, oneSecret(fleet, name));
      const stored = await readStored(context.files, directory, name);
      const value =
        stored === null ? new SecretValue(new Uint8Array()) : await openSecret(context, stored, identity);
      await warnOfSwap(context);
      const edited = await editValue(value, editorOf(context), context);
      value.wipe();
      if (edited === null) return { secret: name, changed: false, epoch: stored?.record?.epoch ?? null };
      const record = await setValue(
        name,
        edited.reveal(),
        wanted,
        directory,
        context,
        recipientParser(context),
      );
      edited.wipe();
      return { secret: name, changed: true, epoch: record.epoch };
    }),
  text: ({ secret, changed, epoch }) =>
    changed ? `${secret}: epoch ${epoch}` : `${secret}: nothing changed`,
});

function editorOf({ environment }: Context): string {
  const editor = environment.get("VISUAL") ?? environment.get("EDITOR");
  if (editor === undefined)
    throw new NixsealError("usage", "no editor is set", { hint: "set EDITOR, for example EDITOR=vi" });
  return editor;
}

/** Pages of a tmpfs may be swapped out: that is a disk after all. */
async function warnOfSwap({ files, emit }: Context): Promise<void> {
  const onDisk = await swapOnDisk(files, null);
  if (onDisk.length > 0)
    emit({
      type: "warning",
      message: `the plaintext may reach the swap on ${onDisk.join(", ")} while the editor is open`,
      hint: "use encrypted swap, or swapoff while editing",
    });
}
