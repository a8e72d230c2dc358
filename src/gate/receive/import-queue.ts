/**
 * Paths that have come in whole, on their way into the store by the root side: in order, while the next ones come in. Some messages are
 * sent ahead, so that it has the next one when it is done with one; it answers each in its turn.
 */
import { NixsealError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports.ts";
import type { PathInfo } from "../../nix/path-info.ts";
import type { StorePath } from "../../nix/store-path.ts";
import { largestEnclosed, mostAhead } from "../message-limits.ts";
import { formatMessage } from "../message.ts";
import { narName } from "../quarantine/names.ts";
import type { Arrived, Quarantine } from "../quarantine/quarantine.ts";
import type { WitnessMessage } from "../store-message.ts";
import { ArchiveMemory } from "./archive-memory.ts";
import {
  isAboutArchive,
  notImported,
  type ImportJob,
  type ImportOrder,
  type Job,
  type WitnessJob,
} from "./import-job.ts";
import { noAnswer, refusalOf, type AnswerLine, type RootConnection } from "./root-side.ts";

export interface ImportQueueParts {
  readonly quarantine: Quarantine;
  readonly connect: () => Promise<RootConnection>;
  readonly clock: Pick<Clock, "now">;
  /** Told of each path that is in the store now: `added`, `repaired`, or `present` already. */
  readonly done: (info: PathInfo, outcome: string) => void;
}

/** What may wait: it lies in the quarantine, or in memory, until it is in the store too. */
const mostWaiting = { bytes: 512 << 20, enclosed: 2 * largestEnclosed, paths: 256 };
/** Milliseconds after which an unused connection is not used again, well before the root side ends it. */
const stale = 15_000;

export class ImportQueue {
  /** Where archives come from that are to go with their messages. */
  readonly memory = new ArchiveMemory();
  readonly #parts: ImportQueueParts;
  readonly #jobs: Job[] = [];
  #working: Promise<void> | null = null;
  #failure: NixsealError | null = null;
  /** From a failure until nothing waits, though it may have been told: what was behind it may refer to it. */
  #stopped = false;
  #connection: { readonly to: RootConnection; used: number; answered: boolean } | null = null;
  /** How many of the first jobs were sent over the connection. */
  #sent = 0;
  /** Resolves when the job under way is done. */
  #progress: Promise<void> = Promise.resolve();

  constructor(parts: ImportQueueParts) {
    this.#parts = parts;
  }

  /** Whether the path waits to be imported. */
  has(path: StorePath): boolean {
    return this.#jobs.some(({ kind, info }) => kind === "import" && info.path === path);
  }

  /** Waits only while too much waits already. What is `enclosed` comes from `memory`. */
  async add(arrived: Arrived, order: ImportOrder, enclosed: Uint8Array | null = null): Promise<void> {
    await this.#push({ kind: "import", info: arrived.info, arrived, order, enclosed, anew: false });
  }

  /** Of a path that is in the store: what goes wrong is told to `failed`, and nobody is refused for it. Waits as `add`. */
  async witness(
    info: PathInfo,
    uploader: WitnessMessage["uploader"],
    failed: WitnessJob["failed"],
  ): Promise<void> {
    const order = { kind: "witness", path: info.path, uploader } as const;
    await this.#push({ kind: "witness", info, order, failed });
  }

  async #push(job: Job): Promise<void> {
    this.#jobs.push(job);
    this.#working ??= this.#work();
    while (this.#isFull()) await this.#progress;
  }

  /** Waits until nothing waits. Throws, once, why a path was not imported. */
  async settle(): Promise<void> {
    await this.#working;
    this.check();
  }

  /** Throws, once, why an earlier path was not imported. */
  check(): void {
    const failure = this.#failure;
    this.#failure = null;
    if (failure !== null) throw failure;
  }

  /** Waits until nothing waits, and lets the root side end its work. */
  async end(): Promise<void> {
    await this.#working;
    this.#disconnect();
    this.check();
  }

  #isFull(): boolean {
    const waiting = { bytes: 0, enclosed: 0 };
    for (const job of this.#jobs)
      if (job.kind === "import") waiting[job.enclosed === null ? "bytes" : "enclosed"] += job.info.narSize;
    return (
      this.#jobs.length > mostWaiting.paths ||
      (waiting.bytes > mostWaiting.bytes && this.#jobs.length > 1) ||
      waiting.enclosed > mostWaiting.enclosed
    );
  }

  /** Never rejects: what goes wrong is told by `check`. */
  async #work(): Promise<void> {
    for (let job = this.#jobs[0]; job !== undefined; job = this.#jobs[0]) {
      this.#progress = job.kind === "import" ? this.#first(job) : this.#firstSeen(job);
      await this.#progress;
    }
    this.#stopped = false;
    this.#working = null;
  }

  /** What becomes of the first job. While it is cleaned up after, the root side has the next ones. */
  async #first(job: ImportJob): Promise<void> {
    const { quarantine, done } = this.#parts;
    const { arrived, enclosed, info } = job;
    let imported = false;
    try {
      // What depends on a path that was not imported cannot be either: nothing is sent after a failure.
      await this.#sendAhead();
      if (this.#sent === 0)
        throw new NixsealError("refused", "nor was one before it", { hint: "send both again" });
      const answer = await this.#answer();
      if (isAboutArchive(answer) && enclosed === null && !job.anew) return await this.#again(job);
      this.#sent--;
      if (answer.fields.get("ok").value !== true) throw refusalOf(answer);
      done(info, answer.fields.get("outcome").string());
      imported = true;
    } catch (error) {
      // Of what was sent after it some may have come in: the client sends all of it again, and hears that it is there.
      this.#disconnect();
      this.#fail(info, error);
    }
    this.#jobs.shift();
    try {
      if (imported) await this.#sendAhead();
    } catch (error) {
      this.#disconnect();
      this.#fail(info, error);
    }
    try {
      if (imported) await quarantine.release(info);
      if (enclosed !== null) {
        // What was not answered may still be on its way out of this memory.
        if (imported) this.memory.giveBack(enclosed);
        return;
      }
      // The archive of another path with the same content may be asked for already.
      const name = narName(info.narHash);
      const shared = this.#jobs.some(({ kind, info }) => kind === "import" && narName(info.narHash) === name);
      await quarantine.forget(arrived, shared);
    } catch (error) {
      this.#fail(info, error);
    }
  }

  /** The same of one that is in the store, whatever became of those before it. What was sent after it is sent again if this fails. */
  async #firstSeen(job: WitnessJob): Promise<void> {
    const { info } = job;
    try {
      await this.#sendAhead();
      if (this.#sent === 0) await this.#send(job);
      const answer = await this.#answer();
      this.#sent--;
      if (answer.fields.get("ok").value !== true) job.failed(info.path, refusalOf(answer));
    } catch (error) {
      this.#disconnect();
      if (!(error instanceof NixsealError)) throw error;
      job.failed(info.path, error);
    }
    this.#jobs.shift();
  }

  /**
   * Whether it refers to one that is not answered. If that one failed, and a planted path stood in its place, Nix would take this one
   * on top of it, and nobody could replace the planted one any more: it would be in use.
   */
  #waitsFor({ info: { references } }: Job): boolean {
    const sent = this.#jobs.slice(0, this.#sent);
    return sent.some(({ kind, info }) => kind === "import" && references.includes(info.path));
  }

  /** Only on a connection that has answered does the root side expect more than one message. */
  async #sendAhead(): Promise<void> {
    while (this.#failure === null && !this.#stopped) {
      const job = this.#jobs[this.#sent];
      const most = this.#connection?.answered === true ? mostAhead : 1;
      if (job === undefined || this.#sent >= most || this.#waitsFor(job)) return;
      if (job.kind === "import") await this.#parts.quarantine.publish(job.arrived);
      await this.#send(job);
    }
  }

  /**
   * Another connection has removed the archive, or one with this name was damaged: ours was hashed as it came. What was sent after it may
   * have failed for want of it, and is sent again too.
   */
  async #again(job: ImportJob): Promise<void> {
    for (; this.#sent > 1; this.#sent--) await this.#answer();
    this.#sent = 0;
    job.anew = true;
    await this.#parts.quarantine.publish(job.arrived, true);
    await this.#send(job);
  }

  async #send(job: Job): Promise<void> {
    const now = this.#parts.clock.now().getTime();
    if (this.#connection !== null && this.#sent === 0 && now - this.#connection.used > stale)
      this.#disconnect();
    this.#connection ??= { to: await this.#parts.connect(), used: now, answered: false };
    const enclosed = job.kind === "import" ? job.enclosed : null;
    await this.#connection.to.send(formatMessage(job.order), enclosed ?? undefined);
    this.#sent++;
  }

  async #answer(): Promise<AnswerLine> {
    const connection = this.#connection!;
    for (let answer = await connection.to.next(); answer !== null; answer = await connection.to.next()) {
      connection.used = this.#parts.clock.now().getTime();
      connection.answered = true;
      if (answer.isResult) return answer;
    }
    throw noAnswer();
  }

  #fail(info: PathInfo, error: unknown): void {
    this.#failure ??= notImported(info, error);
    this.#stopped = true;
  }

  #disconnect(): void {
    this.#connection?.to.close();
    this.#connection = null;
    this.#sent = 0;
  }
}
