/** Writes to the ledger while the work goes on: what came meanwhile is written, and flushed to the disk, together. */
import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import type { LedgerEntry, LedgerRecord } from "../ledger/entry.ts";
import { record } from "../ledger/record.ts";
import { claimOf, takeIn, type AreInStore, type TakeInPorts } from "../ledger/take-in.ts";
import { WriteAhead } from "../ledger/write-ahead.ts";

export interface RecorderPorts extends TakeInPorts {
  readonly files: TakeInPorts["files"] & Pick<Files, "createLog">;
}

/** So many are written together, or what has waited for so many milliseconds: each write takes a lock and waits for the disk. */
const batch = { entries: 256, age: 1000, bytes: 1 << 20 };
/** More than this are not kept while the disk is waited for. */
const mostWaiting = { entries: 1024, bytes: 16 << 20 };

export class Recorder {
  readonly #ports: RecorderPorts;
  readonly #directory: string;
  readonly #areInStore: AreInStore;
  readonly #ahead: WriteAhead;
  /** What Nix is at work on, or was when it failed. */
  readonly #begun = new Map<string, LedgerEntry>();
  #waiting: LedgerEntry[] = [];
  #writing: Promise<void> | null = null;
  #failed: unknown = null;
  #since = 0;
  /** Bytes that went from the file before into this one. */
  #carried = 0;
  readonly #notices = new Set<string>();

  constructor(ports: RecorderPorts, directory: string, areInStore: AreInStore) {
    this.#ports = ports;
    this.#directory = directory;
    this.#areInStore = areInStore;
    this.#ahead = new WriteAhead(ports.files, directory);
  }

  /** Before Nix is asked to take it: should this process be killed before `add`, whoever is next asks whether it did. */
  async begin(one: LedgerRecord): Promise<void> {
    this.#check();
    // What was begun and failed leaves its line too.
    if (this.#ahead.size - this.#carried >= batch.bytes) this.#writing ??= this.#write();
    if (this.#ahead.size >= mostWaiting.bytes) await this.#writing;
    if (this.#carried >= mostWaiting.bytes)
      throw new NixsealError("limit", "too much of what this connection has begun has failed", {
        hint: "send the rest over another connection",
      });
    const entry = { ...one, time: this.#ports.clock.now() };
    this.#begun.set(claimOf(one), entry); // first: should another file begin meanwhile, it goes into that
    await this.#ahead.write("begun", entry);
  }

  /**
   * When this resolves no kill of the process takes the record away; it is on the disk some time later. Waits only while much waits
   * already. Throws when a record before this one could not be written.
   */
  async add(one: LedgerRecord): Promise<void> {
    const time = this.#ports.clock.now();
    const now = time.getTime();
    if (this.#waiting.length === 0) this.#since = now;
    this.#waiting.push({ ...one, time }); // first: it has come in, also when the disk has no room for the line
    this.#begun.delete(claimOf(one));
    await this.#ahead.write("entry", { ...one, time });
    const { size } = this.#ahead; // a path may refer to as many others as its sender likes
    const much = this.#waiting.length >= batch.entries || size - this.#carried >= batch.bytes;
    if (much || now - this.#since >= batch.age) this.#writing ??= this.#write();
    if (this.#waiting.length > mostWaiting.entries || size >= mostWaiting.bytes) await this.#writing;
    this.#check();
  }

  /** When nothing is between `begin` and `add` any more. Everything is on the disk when this is done. Gives what there is to say about the ledger. */
  async end(): Promise<readonly string[]> {
    await this.#writing;
    await this.#write();
    this.#check();
    // Of what failed it is asked whether Nix took it in spite of that, and nobody has recorded it since: as if we had been killed.
    if (this.#begun.size > 0)
      this.#say(await takeIn(this.#ports, this.#directory, this.#areInStore, await this.#ahead.close()));
    return [...this.#notices];
  }

  #check(): void {
    if (this.#failed !== null) throw this.#failed;
  }

  async #write(): Promise<void> {
    const { files, clock } = this.#ports;
    try {
      const entries = this.#waiting;
      this.#waiting = [];
      const remove = this.#ahead.turn();
      for (const one of this.#begun.values()) await this.#ahead.write("begun", one);
      this.#carried = this.#ahead.size;
      if (entries.length > 0) this.#say((await record({ files, clock }, this.#directory, entries)).notices);
      await remove();
      this.#say(await takeIn(this.#ports, this.#directory, this.#areInStore));
    } catch (error) {
      this.#failed = error;
    } finally {
      this.#writing = null;
    }
  }

  #say(notices: readonly string[]): void {
    for (const notice of notices) this.#notices.add(notice);
  }
}
