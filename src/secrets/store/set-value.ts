import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import type { Clock, Random } from "../../core/ports.ts";
import type { NamedRecipient } from "../../inventory/recipients.ts";
import { recordOf, type SecretRecord } from "./record.ts";
import { recipientTexts, sealer, type ParseRecipient } from "./seal.ts";
import { openStore, readRecord, readStored, writeStored } from "./stored-secret.ts";

export interface SetPorts {
  readonly files: Pick<Files, "read" | "writeAtomic" | "makeDirectory" | "sync">;
  readonly clock: Pick<Clock, "now">;
  readonly random: Random;
}

/**
 * Gives a secret a new value: a new epoch, encrypted to the wanted recipients, armored unless the file was binary. A
 * broken old ciphertext does not stand in the way: it is what a new value mends. A broken record does (`malformed`): an
 * epoch that begins anew would pass an old value off as a newer one.
 */
export async function setValue(
  name: string,
  plaintext: Uint8Array,
  wanted: readonly NamedRecipient[],
  directory: string,
  ports: SetPorts,
  parse: ParseRecipient,
): Promise<SecretRecord> {
  const epoch = ((await readRecord(ports.files, directory, name))?.epoch ?? 0) + 1;
  const before = await readStored(ports.files, directory, name).catch(brokenAsNull);
  const seal = sealer(parse, ports.random);
  const job = { plaintext, recipients: recipientTexts(wanted), armor: before?.armored ?? true };
  const [ciphertext] = (await seal([job])) as [Uint8Array];
  const record = recordOf(ciphertext, wanted, { epoch, created: ports.clock.now().toISOString() });
  const store = await openStore(ports.files, directory);
  await writeStored(ports.files, directory, name, ciphertext, record);
  await store.sync();
  return record;
}

function brokenAsNull(error: unknown): null {
  if (error instanceof NixsealError && error.code === "malformed") return null;
  throw error;
}
