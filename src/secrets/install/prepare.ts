import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import type { Processes } from "../../core/ports.ts";
import type { ReadManifest } from "../manifest-check.ts";
import type { Manifest, Stage } from "../manifest.ts";
import { accountsOf } from "./accounts.ts";
import { currentGeneration, unchangedSecrets, type CurrentGeneration } from "./current-generation.ts";
import { decryptStage, type Decrypt, type OpenIdentities, type StageOutcome } from "./decrypt-stage.ts";
import { readIdentities } from "./identities.ts";
import type { Layout } from "./layout.ts";
import { planGeneration, type Plan } from "./plan.ts";

/** The values of a stage in memory, and what to warn of. */
export interface Decrypted {
  readonly outcome: StageOutcome;
  readonly warnings: readonly string[];
}

/** What the run is to do. */
export interface Prepared extends Decrypted {
  readonly current: CurrentGeneration | null;
  readonly plan: Plan;
}

/** Decrypts everything in memory. Touches nothing that another run changes, so that it needs no lock. */
export async function decryptManifest(
  files: Files,
  processes: Pick<Processes, "run">,
  openIdentities: OpenIdentities,
  root: string,
  { manifest, directory }: ReadManifest,
  stage: Stage,
): Promise<Decrypted> {
  const identities = await readIdentities(files, root, manifest.identities);
  const secrets = manifest.secrets.filter((secret) => secret.stage === stage);
  try {
    const decrypt =
      identities.files.length === 0 ? noIdentity(manifest) : await openIdentities(identities.files);
    const accounts = accountsOf(files, processes, root);
    const outcome = await decryptStage(files, directory, secrets, decrypt, accounts);
    const missing = identities.missing.map((path) => `${path}: this identity does not exist`);
    return { outcome, warnings: [...identities.warnings, ...missing] };
  } finally {
    for (const { content } of identities.files) content.wipe();
  }
}

/** Compares what is wanted with what is installed. Under the lock, but for a dry run. */
export async function planStage(
  files: Files,
  layout: Layout,
  manifest: Manifest,
  stage: Stage,
  { outcome, warnings: before }: Decrypted,
): Promise<Prepared> {
  const warnings = [...before];
  const current = await currentGeneration(files, layout, (warning) => warnings.push(warning));
  const same = await unchangedSecrets(files, current, outcome.good);
  return {
    outcome,
    current,
    plan: planGeneration(manifest, stage, outcome, current?.index ?? null, same),
    warnings,
  };
}

/** Each secret fails with the reason, rather than the run: what was installed before stays. */
function noIdentity({ identities }: Manifest): Decrypt {
  return () => {
    throw new NixsealError("not-found", `none of the identities exists (${identities.join(", ")})`, {
      hint: "make the host key before the secrets are installed, and mount the disk that it lies on",
    });
  };
}
