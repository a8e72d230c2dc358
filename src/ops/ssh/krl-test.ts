import * as z from "zod";
import { exitCodes } from "../../core/exit.ts";
import { revocationOf } from "../../ssh/revocations.ts";
import { op } from "../op.ts";
import { oneLine } from "../one-line.ts";
import { readKeyFile, readRevocations } from "./inputs.ts";

export const krlTest = op({
  effect: "read",
  input: z.object({
    krl: z.string().describe("a KRL, or public keys one a line"),
    key: z.array(z.string()).min(1).describe("files of public keys or certificates"),
  }),
  positional: ["krl", "key"],
  output: z.object({
    version: z.string().nullable().describe("the KRL's number; null for a list of keys"),
    keys: z.array(
      z.object({
        file: z.string(),
        comment: z.string(),
        revoked: z.boolean(),
        reason: z.string().nullable(),
      }),
    ),
  }),
  examples: [
    {
      command: "nixseal ssh krl-test revoked.krl id_ed25519-cert.pub",
      says: "exits with 1 when one is revoked",
    },
  ],
  run: async (context, input) => {
    const revocations = await readRevocations(context, input.krl);
    const keys = [];
    for (const file of input.key) {
      const { subject, comment } = await readKeyFile(context, file);
      const reason = revocationOf(revocations, subject);
      keys.push({ file, comment, revoked: reason !== null, reason });
    }
    return { version: revocations.version === null ? null : String(revocations.version), keys };
  },
  text: ({ keys }, paint) =>
    keys
      .map(({ file, comment, reason }) => {
        const name = comment === "" ? file : `${file} (${comment})`;
        return `${oneLine(name)}: ${reason === null ? paint.good("ok") : `${paint.bad("REVOKED")}, ${reason}`}`;
      })
      .join("\n"),
  exit: ({ keys }) => (keys.some(({ revoked }) => revoked) ? exitCodes.findings : exitCodes.done),
});
