import { join } from "node:path";
import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import type { Identity } from "../../secrets/age/identity.ts";
import { decryptBytes } from "../../secrets/age/decrypt.ts";
import type { SecretValue } from "../../core/secret-value.ts";
import type { StoredSecret } from "../../secrets/store/stored-secret.ts";
import { ciphertextFile } from "../../secrets/store/stored-secret.ts";
import { readIdentities } from "../age/keys.ts";
import type { Context } from "../op.ts";

/** `-i FILE`, as every verb that decrypts has it. */
export const identityFlag = z
  .array(z.string())
  .meta({ short: "i", value: "FILE" })
  .describe("an age or SSH private key (default: NIXSEAL_IDENTITY, else the usual SSH keys)")
  .default([]);

/** The SSH keys that age can decrypt with, as ssh-keygen names them. An agent does not help: it signs, it never decrypts. */
const usualKeys = [".ssh/id_ed25519", ".ssh/id_rsa"];

/** The identities of `-i`, else of NIXSEAL_IDENTITY (paths with `:` between them), else the usual SSH keys. */
export async function loadIdentities(context: Context, given: readonly string[]): Promise<Identity[]> {
  const named = given.length > 0 ? given : (context.environment.get("NIXSEAL_IDENTITY")?.split(":") ?? []);
  const paths = named.length > 0 ? named : await usualPaths(context);
  if (paths.length === 0)
    throw new NixsealError("refused", "no private key to decrypt with", {
      hint: "name one with -i FILE or NIXSEAL_IDENTITY, or make one with ssh-keygen -t ed25519",
    });
  return readIdentities(context, paths);
}

/** Decrypts a stored secret; errors name its file. */
export async function openSecret(
  context: Context,
  stored: StoredSecret,
  given: readonly string[],
): Promise<SecretValue> {
  const identities = await loadIdentities(context, given);
  try {
    return await decryptBytes(stored.ciphertext, identities);
  } catch (error) {
    if (!(error instanceof NixsealError) || error.where?.file !== undefined) throw error;
    const where = { ...error.where, file: ciphertextFile(stored.name) };
    throw new NixsealError(error.code, error.message, { hint: error.hint, where, cause: error.cause });
  }
}

async function usualPaths({ files, environment }: Context): Promise<string[]> {
  const home = environment.get("HOME");
  if (home === undefined) return [];
  const there: string[] = [];
  for (const key of usualKeys) {
    const path = join(home, key);
    if ((await files.status(path))?.kind === "file") there.push(path);
  }
  return there;
}
