import { NixsealError } from "../../core/errors.ts";
import type { Emit } from "../../core/events.ts";
import type { Clock, Files, Random, Workers } from "../../core/ports.ts";
import type { NamedRecipient } from "../../inventory/recipients.ts";
import { decryptBytes } from "../age/decrypt.ts";
import type { Identity } from "../age/identity.ts";
import { recordOf } from "./record.ts";
import { recipientTexts, sealer, type ParseRecipient, type SealJob } from "./seal.ts";
import { openStore, writeStored, type StoredSecret } from "./stored-secret.ts";

/** A secret to encrypt anew and whom for. */
export interface RekeyItem {
  readonly stored: StoredSecret;
  readonly wanted: readonly NamedRecipient[];
}

export interface RekeyFailure {
  readonly secret: string;
  readonly error: NixsealError;
}

export interface RekeyPorts {
  readonly files: Pick<Files, "writeAtomic" | "makeDirectory" | "sync">;
  readonly clock: Pick<Clock, "now">;
  readonly random: Random;
  readonly workers: Workers;
  readonly emit: Emit;
}

/** From this many stanzas on, starting threads costs less than they save. */
const stanzasWorthThreads = 400;
/** A batch for a thread; few enough that both end at the same time. */
const secretsAtOnce = 8;
/** Writes under way at once: each waits for the disk several times. */
const writesAtOnce = 8;

/**
 * Encrypts each secret anew, on all cores when there is much to do. One that cannot be decrypted does not stop the others.
 * Files change one at a time, each whole or not at all, so that this can be killed at any moment and run again.
 */
export async function rekeySecrets(
  items: readonly RekeyItem[],
  identities: readonly Identity[],
  directory: string,
  ports: RekeyPorts,
  parse: ParseRecipient,
): Promise<RekeyFailure[]> {
  const failures: RekeyFailure[] = [];
  const opened: RekeyItem[] = [];
  const batches = openAll(items, identities, opened, failures);
  const stanzas = items.reduce((sum, { wanted }) => sum + wanted.length, 0);
  const threads = stanzas >= stanzasWorthThreads && !items.some(({ wanted }) => wanted.some(needsPlugin));
  const sealed = threads
    ? ports.workers.map<SealJob[], Uint8Array[]>("seal", batches)
    : sealHere(batches, sealer(parse, ports.random));

  const store = await openStore(ports.files, directory);
  const writes = new Set<Promise<void>>();
  let done = 0;
  for await (const ciphertext of each(sealed)) {
    const { stored, wanted } = opened[done++]!;
    if (writes.size >= writesAtOnce) await Promise.race(writes);
    const record = nextRecord(stored, wanted, ciphertext, ports.clock);
    const write = writeStored(ports.files, directory, stored.name, ciphertext, record);
    writes.add(write);
    write.then(
      () => writes.delete(write),
      () => undefined, // stays in the set: whoever awaits it next throws
    );
    ports.emit({ type: "progress", task: "rekey", done, total: items.length, unit: "secrets" });
  }
  await Promise.all(writes);
  await store.sync();
  return failures;
}

/** A plugin may have to ask the person, whom only the main thread reaches. */
function needsPlugin({ recipient }: NamedRecipient): boolean {
  return /^age1(?!pq1|tag1|tagpq1)[^1]+1/.test(recipient);
}

/** The plaintexts as jobs, some at a time, since a message to a thread costs as much as a stanza; wiped here once they were taken. */
async function* openAll(
  items: readonly RekeyItem[],
  identities: readonly Identity[],
  opened: RekeyItem[],
  failures: RekeyFailure[],
): AsyncGenerator<SealJob[]> {
  for (let start = 0; start < items.length; start += secretsAtOnce) {
    const batch: SealJob[] = [];
    for (const item of items.slice(start, start + secretsAtOnce)) {
      const { name, ciphertext, armored } = item.stored;
      try {
        const plaintext = (await decryptBytes(ciphertext, identities)).reveal();
        batch.push({ plaintext, recipients: recipientTexts(item.wanted), armor: armored });
        opened.push(item);
      } catch (error) {
        if (!(error instanceof NixsealError)) throw error;
        failures.push({ secret: name, error });
      }
    }
    if (batch.length > 0) yield batch;
    for (const { plaintext } of batch) plaintext.fill(0);
  }
}

async function* sealHere(
  batches: AsyncIterable<SealJob[]>,
  seal: (jobs: SealJob[]) => Promise<Uint8Array[]>,
): AsyncGenerator<Uint8Array[]> {
  for await (const batch of batches) yield await seal(batch);
}

async function* each<T>(batches: AsyncIterable<T[]>): AsyncGenerator<T> {
  for await (const batch of batches) yield* batch;
}

/** The value is the same, so its epoch and date are; a file without a record gets the date of now, the first that is known. */
function nextRecord(
  stored: StoredSecret,
  wanted: readonly NamedRecipient[],
  ciphertext: Uint8Array,
  clock: Pick<Clock, "now">,
) {
  const { epoch, created } = stored.record ?? { epoch: 1, created: clock.now().toISOString() };
  return recordOf(ciphertext, wanted, { epoch, created });
}
