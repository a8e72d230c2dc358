/** Paths that have come in whole, on their way into the store by the root side: in order, while the next ones come in. */
import { NixsealError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports.ts";
import type { PathInfo } from "../../nix/path-info.ts";
import type { StorePath } from "../../nix/store-path.ts";
import { formatMessage, type ImportMessage, type UploadMessage } from "../message.ts";
import type { Arrived, Quarantine } from "../quarantine/quarantine.ts";
import { noAnswer, refusalOf, type AnswerLine, type RootConnection } from "./root-side.ts";

export type ImportOrder = ImportMessage | UploadMessage;

export interface ImportQueueParts {
  readonly quarantine: Quarantine;
  readonly connect: () => Promise<RootConnection>;
  readonly clock: Pick<Clock, "now">;
  /** Told of each path that is in the store now: `added`, `repaired`, or `present` already. */
  readonly done: (info: PathInfo, outcome: string) => void;
}

interface Job {
  readonly arrived: Arrived;
  readonly order: ImportOrder;
}

/** What may wait: it lies in the quarantine until it is in the store too. */
const mostWaiting = { bytes: 512 << 20, paths: 256 };
/** Milliseconds after which an unused connection is not used again, well before the root side ends it. */
const stale = 15_000;

export class ImportQueue {
  readonly #parts: ImportQueueParts;
  readonly #jobs: Job[] = [];
  #working: Promise<void> | null = null;
  #failure: NixsealError | null = null;
  #connection: { readonly to: RootConnection; used: number } | null = null;
  /** Resolves when the job under way is done. */
  #progress: Promise<void> = Promise.resolve();

  constructor(parts: ImportQueueParts) {
    this.#parts = parts;
  }

  /** Whether the path waits to be imported. */
  has(path: StorePath): boolean {
    return this.#jobs.some(({ arrived }) => arrived.info.path === path);
  }

  /** Waits only while too much waits already. */
  async add(arrived: Arrived, order: ImportOrder): Promise<void> {
    this.#jobs.push({ arrived, order });
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
    const bytes = this.#jobs.reduce((sum, { arrived }) => sum + arrived.info.narSize, 0);
    return this.#jobs.length > mostWaiting.paths || (bytes > mostWaiting.bytes && this.#jobs.length > 1);
  }

  /** Never rejects: what goes wrong is told by `check`. */
  async #work(): Promise<void> {
    for (let job = this.#jobs[0]; job !== undefined; job = this.#jobs[0]) {
      this.#progress = this.#import(job);
      await this.#progress;
      this.#jobs.shift();
    }
    this.#working = null;
  }

  async #import({ arrived, order }: Job): Promise<void> {
    const { quarantine, done } = this.#parts;
    const { info } = arrived;
    try {
      // What depends on a path that was not imported cannot be either.
      if (this.#failure === null) {
        await quarantine.publish(arrived);
        let answer = await this.#ask(order);
        if (isAboutArchive(answer)) {
          // Another connection has removed the archive, or one with this name was damaged: ours was hashed as it came.
          await quarantine.publish(arrived, true);
          answer = await this.#ask(order);
        }
        if (answer.fields.get("ok").value !== true) throw refusalOf(answer);
        done(info, answer.fields.get("outcome").string());
        await quarantine.release(info);
      }
    } catch (error) {
      this.#disconnect();
      this.#failure ??= notImported(info, error);
    }
    await quarantine.forget(arrived).catch((error: unknown) => (this.#failure ??= notImported(info, error)));
  }

  async #ask(order: ImportOrder): Promise<AnswerLine> {
    const now = this.#parts.clock.now().getTime();
    if (this.#connection !== null && now - this.#connection.used > stale) this.#disconnect();
    this.#connection ??= { to: await this.#parts.connect(), used: now };
    const { to } = this.#connection;
    await to.send(formatMessage(order));
    for (let answer = await to.next(); answer !== null; answer = await to.next()) {
      this.#connection.used = this.#parts.clock.now().getTime();
      if (answer.isResult) return answer;
    }
    throw noAnswer();
  }

  #disconnect(): void {
    this.#connection?.to.close();
    this.#connection = null;
  }
}

function isAboutArchive({ fields }: AnswerLine): boolean {
  const code = fields.get("code").value;
  return fields.get("ok").value === false && (code === "not-found" || code === "malformed");
}

function notImported({ path }: PathInfo, error: unknown): NixsealError {
  if (!(error instanceof NixsealError)) throw error;
  return new NixsealError(error.code, `${path} was received and not imported: ${error.message}`, {
    hint: error.hint,
    where: error.where,
    cause: error,
  });
}
