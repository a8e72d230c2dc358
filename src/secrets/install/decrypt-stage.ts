import { at, NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import type { SecretValue } from "../../core/secret-value.ts";
import { readCiphertext, sourceFile } from "../ciphertext.ts";
import type { ManifestSecret } from "../manifest.ts";
import type { Accounts } from "./accounts.ts";
import { inBatches } from "./batches.ts";
import { failureOf, type Failure } from "./failure.ts";
import type { IdentityFile } from "./identities.ts";

/** Decrypts one age file. Throws `refused` when none of the identities fits, `malformed` for a damaged file. */
export type Decrypt = (ciphertext: Uint8Array) => Promise<SecretValue>;

/** Makes a decryption out of the host's private keys. */
export type OpenIdentities = (files: readonly IdentityFile[]) => Promise<Decrypt>;

/** A secret that can be installed: its value is in memory and its owner exists. */
export interface GoodSecret {
  readonly secret: ManifestSecret;
  readonly value: SecretValue;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

export interface StageOutcome {
  readonly good: readonly GoodSecret[];
  readonly failures: readonly Failure[];
}

/** Bytes of all values of a stage together: they are in memory at the same time. */
const stageLimit = 256 << 20;

/**
 * Decrypts all secrets of a stage, each on its own: one that fails does not stop the others. Those of one
 * `together` label fail together.
 */
export async function decryptStage(
  files: Pick<Files, "read" | "status">,
  directory: string,
  secrets: readonly ManifestSecret[],
  decrypt: Decrypt,
  accounts: Accounts,
): Promise<StageOutcome> {
  const good: GoodSecret[] = [];
  const failures: Failure[] = [];
  let size = 0;
  const one = async (secret: ManifestSecret): Promise<void> => {
    try {
      const owner = await ownerOf(secret, accounts);
      const ciphertext = await readCiphertext(files, directory, secret);
      size += ciphertext.length;
      if (size > stageLimit)
        throw new NixsealError("limit", `the secrets of a stage may have ${stageLimit} bytes together`);
      const value = await decryptOne(decrypt, ciphertext, sourceFile(directory, secret));
      good.push({ secret, value, ...owner, mode: Number.parseInt(secret.mode, 8) });
    } catch (error) {
      failures.push(failureOf(secret.name, error));
    }
  };
  await inBatches(secrets, one);
  return holdBack(good, failures, secrets);
}

async function decryptOne(decrypt: Decrypt, ciphertext: Uint8Array, file: string): Promise<SecretValue> {
  try {
    return await decrypt(ciphertext);
  } catch (error) {
    throw at(error, { file });
  }
}

/** Before the users of the configuration exist everything belongs to root. */
async function ownerOf(
  { stage, owner, group }: ManifestSecret,
  accounts: Accounts,
): Promise<{ readonly uid: number; readonly gid: number }> {
  if (stage === "users") return { uid: 0, gid: 0 };
  return { uid: await accounts.user(owner), gid: await accounts.group(group) };
}

function holdBack(
  good: readonly GoodSecret[],
  failures: readonly Failure[],
  secrets: readonly ManifestSecret[],
): StageOutcome {
  const failed = new Set(failures.map(({ name }) => name));
  const spoiled = new Map<string, string>();
  for (const { name, together } of secrets)
    if (together !== null && failed.has(name) && !spoiled.has(together)) spoiled.set(together, name);
  const kept = good.filter(({ secret }) => secret.together === null || !spoiled.has(secret.together));
  const held = good.filter((one) => !kept.includes(one));
  for (const { value } of held) value.wipe();
  const because = held.map(({ secret }): Failure => {
    const culprit = spoiled.get(secret.together!)!;
    const message = `held back: '${culprit}', which is installed together with it, failed`;
    return { name: secret.name, code: "partial", message, hint: `mend '${culprit}'` };
  });
  const order = new Map(secrets.map(({ name }, index) => [name, index]));
  const byPlace = (a: string, b: string): number => order.get(a)! - order.get(b)!;
  return {
    good: kept.sort((a, b) => byPlace(a.secret.name, b.secret.name)),
    failures: [...failures, ...because].sort((a, b) => byPlace(a.name, b.name)),
  };
}
