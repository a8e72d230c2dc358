import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import { checkCaSignature } from "../../ssh/check-certificate.ts";
import { op } from "../op.ts";
import { readKeyFile } from "./inputs.ts";
import { oneLine } from "../one-line.ts";
import { certificateOutput, certificateSchema, type optionSchema } from "./outputs.ts";

export const showCert = op({
  effect: "read",
  input: z.object({ file: z.string().describe("a -cert.pub file") }),
  positional: ["file"],
  output: certificateSchema.extend({
    comment: z.string(),
    caSignature: z.string().describe("`good`, or what is wrong with it"),
  }),
  examples: [{ command: "nixseal ssh show-cert id_ed25519-cert.pub --json", says: "as ssh-keygen -L -f" }],
  run: async (context, { file }) => {
    const { subject, comment } = await readKeyFile(context, file);
    if (subject.type !== "certificate") {
      throw new NixsealError("malformed", "this is a key, not a certificate", { where: { file } });
    }
    const fault = checkCaSignature(subject);
    return { ...certificateOutput(subject), comment, caSignature: fault?.reason ?? "good" };
  },
  text: (output, paint) =>
    [
      `type             ${output.type} (${output.kind})`,
      `key              ${output.key.fingerprint}`,
      `ca               ${output.ca.fingerprint} (${output.ca.type})`,
      `ca's signature   ${output.caSignature === "good" ? paint.good("good") : paint.bad(output.caSignature)}`,
      `key id           "${oneLine(output.keyId)}"`,
      `serial           ${output.serial}`,
      `valid            from ${output.validAfter ?? "ever"} to ${output.validBefore ?? "ever"}`,
      `principals       ${oneLine(output.principals.join(", ")) || "(none)"}`,
      `critical options ${optionsText(output.criticalOptions)}`,
      `extensions       ${optionsText(output.extensions)}`,
    ].join("\n"),
});

function optionsText(options: readonly z.output<typeof optionSchema>[]): string {
  if (options.length === 0) return "(none)";
  return oneLine(options.map(({ name, value }) => (value === null ? name : `${name} ${value}`)).join(", "));
}
