import { NixsealError } from "../../core/errors.ts";
import type { Emit } from "../../core/events.ts";
import type { Clock, Files, Random, Workers } from "../../core/ports.ts";
import type { NamedRecipient } from "../../inventory/recipients.ts";
import { decryptBytes } from "../age/decrypt.ts";
import type { Identity } from "../age/identity.ts";
import { recordOf } from "./record.ts";
import { recipientTexts, sealer, type ParseRecipient, type SealJob } from "./seal.ts";
import { writeStored, type StoredSecret } from "./stored-secret.ts";

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
  readonly files: Pick<Files, "writeAtomic" | "makeDirectory">;
  readonly clock: Pick<Clock, "now">;
  readonly random: Random;
  readonly workers: Workers;
  readonly emit: Emit;
}

/** From this many stanzas on, starting threads costs less than they save. */
const stanzasWorthThreads = 400;
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
  const jobs = openAll(items, identities, opened, failures);
  const stanzas = items.reduce((sum, { wanted }) => sum + wanted.length, 0);
  const threads = stanzas >= stanzasWorthThreads && !items.some(({ wanted }) => wanted.some(needsPlugin));
  const sealed = threads
    ? ports.workers.map<SealJob, Uint8Array>("seal", jobs)
    : sealHere(jobs, sealer(parse, ports.random));

  const writes = new Set<Promise<void>>();
  let done = 0;
  for await (const ciphertext of sealed) {
    const { stored, wanted } = opened[done++]!;
    if (writes.size >= writesAtOnce) await Promise.race(writes);
    const write = writeStored(
      ports.files,
      directory,
      stored.name,
      ciphertext,
      nextRecord(stored, wanted, ciphertext, ports.clock),
    );
    writes.add(write);
    write.then(
      () => writes.delete(write),
      () => undefined, // stays in the set: whoever awaits it next throws
    );
    ports.emit({ type: "progress", task: "rekey", done, total: items.length, unit: "secrets" });
  }
  await Promise.all(writes);
  return failures;
}

/** A plugin may have to ask the person, whom only the main thread reaches. */
function needsPlugin({ recipient }: NamedRecipient): boolean {
  return /^age1(?!pq1|tag1|tagpq1)[^1]+1/.test(recipient);
}

/** The plaintexts as jobs; each is wiped here as soon as the next is asked for. */
async function* openAll(
  items: readonly RekeyItem[],
  identities: readonly Identity[],
  opened: RekeyItem[],
  failures: RekeyFailure[],
): AsyncGenerator<SealJob> {
  for (const item of items) {
    const { name, ciphertext, armored } = item.stored;
    try {
      const plaintext = await decryptBytes(ciphertext, identities);
      opened.push(item);
      yield { plaintext: plaintext.reveal(), recipients: recipientTexts(item.wanted), armor: armored };
      plaintext.wipe();
    } catch (error) {
      if (!(error instanceof NixsealError)) throw error;
      failures.push({ secret: name, error });
    }
  }
}

async function* sealHere(
  jobs: AsyncIterable<SealJob>,
  seal: (job: SealJob) => Promise<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  for await (const job of jobs) yield await seal(job);
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
