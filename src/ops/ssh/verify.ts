import * as z from "zod";
import { exitCodes } from "../../core/exit.ts";
import { digestMessage } from "../../ssh/sshsig.ts";
import { verify as decide } from "../../ssh/verify.ts";
import { oneLine } from "../one-line.ts";
import { op } from "../op.ts";
import { readRevocations, readSignature, readSigners, verifyTime } from "./inputs.ts";
import {
  certificateOutput,
  certificateSchema,
  keyOutput,
  keySchema,
  refusalSchema,
  refusalText,
} from "./outputs.ts";

export const verify = op({
  effect: "read",
  input: z.object({
    allowedSigners: z.string().describe("who may sign what").meta({ short: "f", value: "FILE" }),
    identity: z.string().describe("who must have signed").meta({ short: "I", value: "PRINCIPAL" }),
    namespace: z.string().describe("what the signature must be for").meta({ short: "n", value: "NAMESPACE" }),
    signature: z.string().describe("the signature").meta({ short: "s", value: "FILE" }),
    revocations: z.string().optional().describe("a KRL, or public keys").meta({ short: "r", value: "KRL" }),
    verifyTime: z.string().optional().describe("judge as of then (default: now)").meta({ value: "TIME" }),
  }),
  output: z.discriminatedUnion("accepted", [
    z.object({
      accepted: z.literal(true),
      principal: z.string(),
      namespace: z.string(),
      key: keySchema,
      certificate: certificateSchema.nullable(),
      line: z.number().describe("of the allowed signers file"),
    }),
    refusalSchema,
  ]),
  examples: [
    {
      command: "nixseal ssh verify -f allowed_signers -I alice -n file -s notes.sig < notes",
      says: "as ssh-keygen -Y verify, but stricter",
    },
  ],
  run: async (context, input) => {
    const signature = await readSignature(context, input.signature);
    const signers = await readSigners(context, input.allowedSigners);
    const { revocations: file, identity: principal, namespace } = input;
    const revocations = file === undefined ? undefined : await readRevocations(context, file);
    const now = verifyTime(context, input.verifyTime);
    const message = await digestMessage(context.streams.stdin(), signature.hash);
    const decision = decide({ message, signature }, { signers, principal, namespace, revocations }, now);
    if (!decision.accepted) return decision;
    const { key, certificate, signer } = decision;
    return {
      accepted: true as const,
      principal,
      namespace,
      key: keyOutput(key),
      certificate: certificate === null ? null : certificateOutput(certificate),
      line: signer.line,
    };
  },
  text: (output, paint) => {
    if (!output.accepted) return refusalText(output, paint);
    const what = `"${output.namespace}" signature for ${output.principal} with ${output.key.type} key`;
    return `${paint.good("good")} ${oneLine(what)} ${output.key.fingerprint}`;
  },
  exit: ({ accepted }) => (accepted ? exitCodes.done : exitCodes.refused),
});
