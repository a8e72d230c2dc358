import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import { describeChange } from "../../trust/root/change.ts";
import { discardNext, nextRootFile } from "../../trust/root/store.ts";
import { withLockedFleet } from "../locked-fleet.ts";
import { op } from "../op.ts";
import { findKey } from "./key-file.ts";
import { openTrustIfAny } from "./open.ts";
import { keyFlag } from "./root-flags.ts";
import { hasSigned, progressSchema, progressText, signAndSettle, waiting } from "./settle.ts";

export const trustSign = op({
  effect: "write",
  input: z.object({
    key: keyFlag,
    yes: z.boolean().default(false).describe("sign without being asked"),
    discard: z.boolean().default(false).describe("drop the version that waits"),
  }),
  output: progressSchema.extend({ discarded: z.boolean() }),
  examples: [
    { command: "nixseal trust sign", says: "shows what would change, then asks" },
    { command: "nixseal trust sign --key root_sk.pub", says: "with a key on a token" },
  ],
  run: async (context, { key, yes, discard }) =>
    withLockedFleet(context, "trust sign", false, async ({ directory, fleet }) => {
      const { files, person } = context;
      const open = await openTrustIfAny(context, directory, { expired: true, foreignKrl: true });
      const current = open?.envelope ?? null;
      const next = await waiting(context, directory, current);
      if (next === null)
        throw new NixsealError("not-found", "no version of the root waits for signatures", {
          hint: "'nixseal trust rotate' makes one",
        });
      const changes = describeChange(current?.root ?? null, next.root);
      if (discard) {
        await discardNext(files, directory);
        const { version } = next.root;
        return {
          version,
          complete: false,
          file: nextRootFile,
          signedWith: "",
          needs: [],
          changes,
          discarded: true,
        };
      }
      if (next.root.fleet !== fleet.name)
        throw new NixsealError("refused", `it is the root of the fleet '${next.root.fleet}'`, {
          where: { file: nextRootFile },
        });
      const found = await findKey(
        context,
        key,
        [...(current?.root.root.keys ?? []), ...next.root.root.keys],
        "root key",
      );
      if (hasSigned(next, found.key.fingerprint))
        throw new NixsealError("conflict", `${found.key.fingerprint} has signed it already`, {
          hint: "another holder must sign; a second signature by one key counts as one",
        });
      // Whoever signs answers for what it says; a script that signs blindly has to say so.
      if (!yes && !(await person.askYesNo(`${changes.join("\n")}\nSign this as ${found.key.fingerprint}?`)))
        throw new NixsealError("cancelled", "not signed");
      return { ...(await signAndSettle(context, directory, current, next, found)), discarded: false };
    }),
  text: (output, paint) =>
    output.discarded ? `dropped version ${output.version} of the root` : progressText(output, paint),
});
