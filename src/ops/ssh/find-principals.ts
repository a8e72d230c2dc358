import * as z from "zod";
import { exitCodes } from "../../core/exit.ts";
import { findPrincipals as find } from "../../ssh/verify.ts";
import { op } from "../op.ts";
import { readRevocations, readSignature, readSigners, verifyTime } from "./inputs.ts";
import { oneLine } from "../one-line.ts";
import { refusalSchema, refusalText } from "./outputs.ts";

export const findPrincipals = op({
  effect: "read",
  input: z.object({
    allowedSigners: z.string().describe("who may sign what").meta({ short: "f", value: "FILE" }),
    signature: z.string().describe("the signature").meta({ short: "s", value: "FILE" }),
    revocations: z.string().optional().describe("a KRL, or public keys").meta({ short: "r", value: "KRL" }),
    verifyTime: z.string().optional().describe("judge as of then (default: now)").meta({ value: "TIME" }),
  }),
  output: z.discriminatedUnion("accepted", [
    z.object({ accepted: z.literal(true), principals: z.array(z.string()) }),
    refusalSchema,
  ]),
  examples: [
    {
      command: "nixseal ssh find-principals -f allowed_signers -s notes.sig",
      says: "whose key made it, before `ssh verify` is asked about one of them",
    },
  ],
  run: async (context, input) => {
    const signature = await readSignature(context, input.signature);
    const signers = await readSigners(context, input.allowedSigners);
    const file = input.revocations;
    const revocations = file === undefined ? undefined : await readRevocations(context, file);
    const found = find(signature, { signers, revocations }, verifyTime(context, input.verifyTime));
    return Array.isArray(found) ? { accepted: true as const, principals: found } : found;
  },
  text: (output, paint) =>
    output.accepted ? output.principals.map(oneLine).join("\n") : refusalText(output, paint),
  exit: ({ accepted }) => (accepted ? exitCodes.done : exitCodes.refused),
});
