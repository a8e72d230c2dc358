import { join } from "node:path";
import { utf8 } from "../../core/bytes.ts";
import { at, NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import { decodeArmor, isArmored } from "../age/armor.ts";
import { parseHeader } from "../age/header.ts";
import { limits } from "../age/limits.ts";
import type { Stanza } from "../age/stanza.ts";
import { digestOf, formatRecord, parseRecord, recordLimit, type SecretRecord } from "./record.ts";

/** Where secrets lie below the fleet's directory. */
export const secretsDirectory = "secrets";

/** A secret's two files as they are: `secrets/NAME.age` and, beside it, `secrets/NAME.json`. */
export interface StoredSecret {
  readonly name: string;
  readonly ciphertext: Uint8Array;
  readonly digest: string;
  readonly armored: boolean;
  readonly stanzas: readonly Stanza[];
  /** null for a file that another program made. */
  readonly record: SecretRecord | null;
}

/** Relative to the fleet's directory, as messages and manifests name them. */
export function ciphertextFile(name: string): string {
  return `${secretsDirectory}/${name}.age`;
}

export function recordFile(name: string): string {
  return `${secretsDirectory}/${name}.json`;
}

/** null when there is no ciphertext; `malformed` (with the file) when one of the two is broken. Needs no key. */
export async function readStored(
  files: Pick<Files, "read">,
  directory: string,
  name: string,
): Promise<StoredSecret | null> {
  const file = ciphertextFile(name);
  const ciphertext = await readIfThere(files, directory, file, limits.plaintext + limits.header);
  if (ciphertext === null) return null;
  try {
    const { armored, stanzas } = readAgeHeader(ciphertext);
    const record = await readRecord(files, directory, name);
    return { name, ciphertext, digest: digestOf(ciphertext), armored, stanzas, record };
  } catch (error) {
    throw at(error, { file });
  }
}

/** null when there is none; `malformed` when it is broken. */
export async function readRecord(
  files: Pick<Files, "read">,
  directory: string,
  name: string,
): Promise<SecretRecord | null> {
  const record = await readIfThere(files, directory, recordFile(name), recordLimit);
  return record === null ? null : parseRecord(record, recordFile(name));
}

/** Throws `malformed` for what is no age file. Needs no key, so it says nothing of the payload. */
export function readAgeHeader(ciphertext: Uint8Array): Pick<StoredSecret, "armored" | "stanzas"> {
  const armored = isArmored(ciphertext) === true;
  const { stanzas } = parseHeader(armored ? decodeArmor(ciphertext) : ciphertext);
  return { armored, stanzas };
}

/**
 * Writes the ciphertext, then its record; each whole or not at all. Killed between the two, the old record stays beside
 * the new file, which `judge` takes for out of date: the next rekey finishes. The other order could pass an old file off
 * as new.
 */
export async function writeStored(
  files: Pick<Files, "writeAtomic">,
  directory: string,
  name: string,
  ciphertext: Uint8Array,
  record: SecretRecord,
): Promise<void> {
  const options = { mode: 0o644, syncDirectory: false };
  await files.writeAtomic(join(directory, ciphertextFile(name)), ciphertext, options);
  await files.writeAtomic(join(directory, recordFile(name)), utf8(formatRecord(record)), options);
}

/** To be called before and after secrets are written: makes the directory; puts its entries on the disk. */
export async function openStore(files: Pick<Files, "makeDirectory" | "sync">, directory: string) {
  const path = join(directory, secretsDirectory);
  await files.makeDirectory(path, { mode: 0o755, parents: true });
  return { sync: () => files.sync(path) };
}

async function readIfThere(
  files: Pick<Files, "read">,
  directory: string,
  file: string,
  limit: number,
): Promise<Uint8Array | null> {
  try {
    // A symlink that somebody commits could lead to a terminal or a pipe, which would be waited for, or out of the repository.
    return await files.read(join(directory, file), { limit, follow: false });
  } catch (error) {
    if (!(error instanceof NixsealError)) throw error;
    if (error.code === "not-found") return null;
    const { code, message, hint, cause } = error;
    throw new NixsealError(code, message, { hint, cause, where: { file } });
  }
}
