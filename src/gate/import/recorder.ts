/** Writes to the ledger while the work goes on: what came meanwhile is written, and flushed to the disk, together. */
import type { LedgerRecord } from "../ledger/entry.ts";
import { record, type LedgerPorts } from "../ledger/record.ts";

/**
 * So many are written together, or what has waited for so many milliseconds: each write takes a lock and waits for the disk. A process
 * that is killed loses no more than these.
 */
const batch = { entries: 64, age: 1000 };
/** More than this are not kept while the disk is waited for. */
const mostWaiting = 256;

export class Recorder {
  readonly #ports: LedgerPorts;
  readonly #directory: string;
  #waiting: LedgerRecord[] = [];
  #writing: Promise<void> | null = null;
  #failed: unknown = null;
  #since = 0;

  constructor(ports: LedgerPorts, directory: string) {
    this.#ports = ports;
    this.#directory = directory;
  }

  /** Resolves at once, or when there is room again. Throws when a record before this one could not be written. */
  async add(one: LedgerRecord): Promise<void> {
    const now = this.#ports.clock.now().getTime();
    if (this.#waiting.length === 0) this.#since = now;
    this.#waiting.push(one);
    if (this.#waiting.length >= batch.entries || now - this.#since >= batch.age)
      this.#writing ??= this.#write();
    if (this.#waiting.length > mostWaiting) await this.#writing;
    this.#check();
  }

  /** Everything is on the disk when this is done. */
  async end(): Promise<void> {
    await this.#writing;
    await this.#write();
    this.#check();
  }

  #check(): void {
    if (this.#failed !== null) throw this.#failed;
  }

  async #write(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const batch = this.#waiting;
        this.#waiting = [];
        await record(this.#ports, this.#directory, batch);
      }
    } catch (error) {
      this.#failed = error;
    } finally {
      this.#writing = null;
    }
  }
}
