import { resolve } from "node:path";
import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import { formatWarrantEnvelope, type WarrantEnvelope } from "../../trust/warrant/envelope.ts";
import { readWarrant } from "../../trust/warrant/store.ts";
import { withLockedFleet } from "../locked-fleet.ts";
import { op, type Context } from "../op.ts";
import { openTrust } from "../trust/open.ts";
import { addSignature } from "./add-signature.ts";
import { describeWarrant } from "./describe.ts";
import { changesOf } from "./show.ts";
import { signatureSchema, verdictView, warrantSchema, warrantView } from "./view.ts";

const plain = (text: string): string => text;
const noPaint = { good: plain, bad: plain, weak: plain, strong: plain };

/** Flags that say with what to sign. */
export const signing = {
  key: z
    .string()
    .optional()
    .meta({ value: "FILE" })
    .describe("your key; for one in an agent or a token its .pub file (default: one in ~/.ssh)"),
  certificate: z
    .string()
    .optional()
    .meta({ value: "FILE" })
    .describe("your member certificate (default: beside the key, else in trust/certificates/)"),
  yes: z.boolean().default(false).describe("sign without being asked"),
};

const input = z.object({
  file: z.string().describe("the warrant; your signature is added to it").meta({ value: "FILE" }),
  ...signing,
});

export const warrantSign = op({
  effect: "write",
  input,
  positional: ["file"],
  output: z.object({
    file: z.string(),
    warrant: warrantSchema,
    principal: z.string(),
    key: z.string(),
    threshold: z.number(),
    signatures: z.array(signatureSchema),
  }),
  examples: [
    { command: "nixseal warrant sign warrants/lufta/0042.json", says: "shows what it orders, then asks" },
    {
      command: "nixseal warrant sign warrants/lufta/0042.json --key ~/.ssh/id_ed25519_sk.pub",
      says: "one touch of a token signs the whole closure",
    },
  ],
  run: (context, given) => signWarrant(context, given),
  text: ({ file, principal, threshold, signatures }, paint) => {
    const count = signatures.filter(({ accepted }) => accepted === true).length;
    const next =
      count >= threshold
        ? `Next: nixseal warrant verify ${file}`
        : "Next: commit it and let another member run 'nixseal warrant sign'";
    return `${paint.good("signed")} ${file} as ${principal}: ${count} of ${threshold}\n\n${next}`;
  },
});

/** Adds the signature, after the person has seen what they sign. */
export function signWarrant(context: Context, given: z.output<typeof input>) {
  return withLockedFleet(context, "warrant sign", false, async ({ directory, fleet }) => {
    const path = resolve(context.workingDirectory, given.file);
    const envelope = await readWarrant(context.files, path, given.file);
    const trust = await openTrust(context, directory);
    const consent = given.yes
      ? async () => undefined
      : (principal: string) => ask(context, envelope, principal);
    const open = { directory, fleet, trust };
    const added = await addSignature(context, open, { envelope, file: given.file }, given, consent);
    await context.files.writeAtomic(path, formatWarrantEnvelope(added.envelope), { mode: 0o644 });
    return {
      file: given.file,
      warrant: warrantView(added.envelope),
      principal: added.principal,
      key: added.key,
      threshold: added.threshold,
      signatures: added.verdicts.map(verdictView),
    };
  });
}

async function ask(context: Context, envelope: WarrantEnvelope, principal: string): Promise<void> {
  const since = await changesOf(context, envelope, undefined);
  const shown = describeWarrant(warrantView(envelope), "valid", [], since, noPaint);
  // Whoever signs answers for what it says; a script that signs blindly has to say so.
  if (!(await context.person.askYesNo(`${shown}\nSign this as ${principal}?`)))
    throw new NixsealError("cancelled", "not signed");
}
