import type { Files } from "../../core/file-ports.ts";
import type { SecretRecord } from "./record.ts";
import { openStore, writeStored } from "./stored-secret.ts";

/** Writes under way at once: each waits for the disk several times. */
const writesAtOnce = 8;

/** Writes many secrets, some at a time, each whole or not at all and before its record. */
export class StoreWriter {
  readonly #directory: string;
  readonly #files: Pick<Files, "writeAtomic" | "makeDirectory" | "sync">;
  readonly #underWay = new Set<Promise<void>>();
  #store: ReturnType<typeof openStore> | undefined;

  constructor(
    directory: string,
    ports: { readonly files: Pick<Files, "writeAtomic" | "makeDirectory" | "sync"> },
  ) {
    this.#directory = directory;
    this.#files = ports.files;
  }

  /** Resolves when there is room for the next one. Throws what an earlier one failed with. */
  async write(name: string, ciphertext: Uint8Array, record: SecretRecord): Promise<void> {
    await (this.#store ??= openStore(this.#files, this.#directory));
    const write = writeStored(this.#files, this.#directory, name, ciphertext, record);
    this.#underWay.add(write);
    write.then(
      () => this.#underWay.delete(write),
      () => undefined, // stays in the set: whoever awaits it next throws
    );
    if (this.#underWay.size >= writesAtOnce) await Promise.race(this.#underWay);
  }

  /** Everything is on the disk, or one has failed and none is under way any more: the lock may be given back. */
  async end(): Promise<void> {
    const ends = await Promise.allSettled(this.#underWay);
    await (await this.#store)?.sync();
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  }
}
