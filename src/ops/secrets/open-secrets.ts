import { at, NixsealError } from "../../core/errors.ts";
import type { SecretValue } from "../../core/secret-value.ts";
import { decryptBytes } from "../../secrets/age/decrypt.ts";
import { ciphertextFile, readStored, type StoredSecret } from "../../secrets/store/stored-secret.ts";
import type { Context } from "../op.ts";
import { loadIdentities } from "./identities.ts";

export interface NamedValue {
  readonly name: string;
  readonly value: SecretValue;
}

/** Decrypts several secrets with keys that are read, and asked for, once. All are looked for before anything is decrypted. */
export async function openSecrets(
  context: Context,
  directory: string,
  names: readonly string[],
  given: readonly string[],
): Promise<NamedValue[]> {
  const stored: StoredSecret[] = [];
  for (const name of names) {
    const found = await readStored(context.files, directory, name);
    if (found === null)
      throw new NixsealError("not-found", `secret '${name}' has no value`, {
        hint: `set it with \`nixseal secrets set ${name}\``,
        where: { file: ciphertextFile(name) },
      });
    stored.push(found);
  }
  const identities = await loadIdentities(context, given);
  const opened: NamedValue[] = [];
  for (const { name, ciphertext } of stored) {
    try {
      opened.push({ name, value: await decryptBytes(ciphertext, identities) });
    } catch (error) {
      for (const { value } of opened) value.wipe();
      throw named(error, name);
    }
  }
  return opened;
}

function named(error: unknown, name: string): unknown {
  return error instanceof NixsealError && error.where?.file === undefined
    ? at(error, { file: ciphertextFile(name) })
    : error;
}
