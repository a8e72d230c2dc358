import { z } from "zod";
import { NixsealError } from "../../core/errors.ts";
import type { Finding } from "../../core/finding.ts";
import { exitCodes } from "../../core/exit.ts";
import { recipientsOf } from "../../inventory/recipients.ts";
import { checkDirectory } from "../../secrets/store/check-directory.ts";
import { checkSecret } from "../../secrets/store/check-secret.ts";
import { ciphertextFile, readStored } from "../../secrets/store/stored-secret.ts";
import { findingSchema, findingsText } from "../findings.ts";
import { openFleet } from "../fleet-context.ts";
import { op } from "../op.ts";

export const check = op({
  effect: "read",
  input: z.object({}),
  output: z.object({ secrets: z.number(), findings: z.array(findingSchema) }),
  examples: [
    { command: "nixseal secrets check", says: "in CI: needs no key, exits with 1 when something is wrong" },
    { command: "nixseal secrets check --json", says: "for scripts" },
  ],
  run: async (context) => {
    const { directory, fleet } = await openFleet(context);
    const findings: Finding[] = await checkDirectory(context.files, directory, new Set(fleet.secrets.keys()));
    const plaintext = new Set(findings.filter(({ id }) => id === "plaintext").map(({ file }) => file));
    const now = context.clock.now();
    const marks = new Map<string, string>();
    for (const secret of fleet.secrets.values()) {
      if (plaintext.has(ciphertextFile(secret.name))) continue; // said already, and worse
      try {
        const stored = await readStored(context.files, directory, secret.name);
        findings.push(...checkSecret(secret, recipientsOf(fleet, secret), stored, now, marks));
      } catch (error) {
        findings.push(brokenFile(secret.name, error));
      }
    }
    return { secrets: fleet.secrets.size, findings };
  },
  text: ({ secrets, findings }, paint) =>
    findingsText(findings, paint, `${secrets} secret${secrets === 1 ? "" : "s"} checked, nothing to say`),
  exit: ({ findings }) => (findings.length > 0 ? exitCodes.findings : exitCodes.done),
});

/** One broken file is a finding, so that the others are still looked at. */
function brokenFile(name: string, error: unknown): Finding {
  if (!(error instanceof NixsealError)) throw error;
  const { file = ciphertextFile(name), line } = error.where ?? {};
  return {
    id: "secret-broken",
    severity: "high",
    secret: name,
    file,
    line,
    message: error.message,
    hint: error.hint,
  };
}
