import { NixsealError } from "../../core/errors.ts";
import type { Emit } from "../../core/events.ts";
import type { Files } from "../../core/file-ports.ts";
import type { Clock, Random, Workers } from "../../core/ports.ts";
import type { NamedRecipient } from "../../inventory/recipients.ts";
import { decryptBytes } from "../age/decrypt.ts";
import type { Identity } from "../age/identity.ts";
import { recordOf } from "./record.ts";
import { recipientTexts, sealer, type ParseRecipient, type SealJob } from "./seal.ts";
import { StoreWriter } from "./store-writer.ts";
import type { StoredSecret } from "./stored-secret.ts";

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

/** A batch for a thread: some 10 ms of work, beside which the message there and back costs little. */
const stanzasAtOnce = 100;

export interface RekeyOptions {
  readonly parse: ParseRecipient;
  /** How many secrets there are to encrypt, as far as is known by now: for the progress. */
  readonly total: () => number;
}

/**
 * Encrypts each secret anew as it comes, on all cores when there is much to do. One that cannot be decrypted does not
 * stop the others. Files change one at a time, each whole or not at all, so that this can be killed at any moment and
 * run again. Without an item nothing is asked for and nothing written.
 */
export async function rekeySecrets(
  items: AsyncIterable<RekeyItem>,
  identities: () => Promise<readonly Identity[]>,
  directory: string,
  ports: RekeyPorts,
  { parse, total }: RekeyOptions,
): Promise<RekeyFailure[]> {
  const failures: RekeyFailure[] = [];
  const opened: RekeyItem[] = [];
  const batches = openAll(items, identities, opened, failures);
  const seal = sealer(parse, ports.random);
  const writer = new StoreWriter(directory, ports);
  let done = 0;
  try {
    for await (const sealed of ports.workers.map<SealJob[], Uint8Array[]>("seal", batches, seal, needsPerson))
      for (const ciphertext of sealed) {
        const item = opened.shift()!;
        await writer.write(item.stored.name, ciphertext, nextRecord(item, ciphertext, ports.clock));
        ports.emit({ type: "progress", task: "rekey", done: ++done, total: total(), unit: "secrets" });
      }
  } finally {
    await writer.end();
  }
  return failures;
}

/** A plugin may have to ask the person, whom only the main thread reaches. */
function needsPerson(batch: readonly SealJob[]): boolean {
  return batch.some(({ recipients }) =>
    recipients.some((recipient) => /^age1(?!pq1|tag1|tagpq1)[^1]+1/.test(recipient)),
  );
}

/**
 * The plaintexts as jobs, some at a time, since a message to a thread costs as much as a stanza; wiped here once they
 * were taken.
 */
async function* openAll<Item extends RekeyItem>(
  items: AsyncIterable<Item>,
  identities: () => Promise<readonly Identity[]>,
  opened: Item[],
  failures: RekeyFailure[],
): AsyncGenerator<SealJob[]> {
  // One list for all secrets of the same readers: a message to a thread then holds it once.
  const texts = new Map<readonly NamedRecipient[], string[]>();
  let batch: SealJob[] = [];
  let stanzas = 0;
  try {
    for await (const item of items) {
      const keys = await identities();
      const { name, ciphertext, armored } = item.stored;
      const recipients = texts.get(item.wanted) ?? recipientTexts(item.wanted);
      texts.set(item.wanted, recipients);
      try {
        const plaintext = (await decryptBytes(ciphertext, keys)).reveal();
        batch.push({ plaintext, recipients, armor: armored });
        opened.push(item);
        stanzas += recipients.length;
      } catch (error) {
        if (!(error instanceof NixsealError)) throw error;
        failures.push({ secret: name, error });
      }
      if (stanzas < stanzasAtOnce) continue;
      yield batch;
      wipe(batch);
      [batch, stanzas] = [[], 0];
    }
    if (batch.length > 0) yield batch;
  } finally {
    wipe(batch);
  }
}

function wipe(batch: readonly SealJob[]): void {
  for (const { plaintext } of batch) plaintext.fill(0);
}

/** The value is the same, so its epoch and date are; a file without a record gets the date of now, the first that is known. */
function nextRecord({ stored, wanted }: RekeyItem, ciphertext: Uint8Array, clock: Pick<Clock, "now">) {
  const { epoch, created } = stored.record ?? { epoch: 1, created: clock.now().toISOString() };
  return recordOf(ciphertext, wanted, { epoch, created });
}
