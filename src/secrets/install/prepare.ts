import { NixsealError } from "../../core/errors.ts";
import type { Files, Processes } from "../../core/ports.ts";
import type { Manifest, Stage } from "../manifest.ts";
import { accountsOf } from "./accounts.ts";
import { currentGeneration, unchangedSecrets, type CurrentGeneration } from "./current-generation.ts";
import { decryptStage, type Decrypt, type OpenIdentities, type StageOutcome } from "./decrypt-stage.ts";
import { readIdentities } from "./identities.ts";
import type { Layout } from "./layout.ts";
import { planGeneration, type Plan } from "./plan.ts";

/** What the run is to do, with every value in memory. */
export interface Prepared {
  readonly outcome: StageOutcome;
  readonly current: CurrentGeneration | null;
  readonly plan: Plan;
  readonly warnings: readonly string[];
}

/** All that only reads: decrypts everything in memory and compares it with what is installed. */
export async function prepareStage(
  files: Files,
  processes: Pick<Processes, "run">,
  openIdentities: OpenIdentities,
  layout: Layout,
  { manifest, directory }: { readonly manifest: Manifest; readonly directory: string },
  stage: Stage,
): Promise<Prepared> {
  const warnings: string[] = [];
  const current = await currentGeneration(files, layout, (warning) => warnings.push(warning));
  const identities = await readIdentities(files, layout.root, manifest.identities);
  warnings.push(...identities.warnings);
  const secrets = manifest.secrets.filter((secret) => secret.stage === stage);
  try {
    const decrypt =
      identities.files.length === 0 ? noIdentity(manifest) : await openIdentities(identities.files);
    const accounts = accountsOf(files, processes, layout.root);
    const outcome = await decryptStage(files, directory, secrets, decrypt, accounts);
    const same = await unchangedSecrets(files, current, outcome.good);
    return {
      outcome,
      current,
      plan: planGeneration(manifest, stage, outcome, current?.index ?? null, same),
      warnings,
    };
  } finally {
    for (const { content } of identities.files) content.wipe();
  }
}

/** Each secret fails with the reason, rather than the run: what was installed before stays. */
function noIdentity({ identities }: Manifest): Decrypt {
  return () => {
    throw new NixsealError("not-found", `none of the identities exists (${identities.join(", ")})`, {
      hint: "make the host key before the secrets are installed, and mount the disk that it lies on",
    });
  };
}
