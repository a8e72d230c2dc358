import { NixsealError } from "../../core/errors.ts";
import type { Finding } from "../../core/finding.ts";
import type { Files } from "../../core/file-ports.ts";
import type { Fleet } from "../../inventory/model.ts";
import { recipientsOf } from "../../inventory/recipients.ts";
import { checkDirectory } from "./check-directory.ts";
import { checkSecret } from "./check-secret.ts";
import { ciphertextFile, readStored } from "./stored-secret.ts";

/** Every secret of a fleet, and what else lies under `secrets/`, without any key. */
export async function checkStore(
  files: Pick<Files, "read" | "list" | "statusOfLink" | "stream">,
  directory: string,
  fleet: Fleet,
  now: Date,
): Promise<Finding[]> {
  const findings = await checkDirectory(files, directory, new Set(fleet.secrets.keys()));
  const plaintext = new Set(findings.filter(({ id }) => id === "plaintext").map(({ file }) => file));
  const marks = new Map<string, string>();
  for (const secret of fleet.secrets.values()) {
    if (plaintext.has(ciphertextFile(secret.name))) continue; // said already, and worse
    try {
      const stored = await readStored(files, directory, secret.name);
      findings.push(...checkSecret(secret, recipientsOf(fleet, secret), stored, now, marks));
    } catch (error) {
      findings.push(brokenFile(secret.name, error));
    }
  }
  return findings;
}

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
