import { availableParallelism } from "node:os";
import { setImmediate } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import { NixsealError, type ErrorCode, type ErrorDetails } from "../core/errors.ts";
import type { Workers } from "../core/ports.ts";

/** What a worker thread answers with: the result of one job or the error that it ended with. */
export type Answer =
  | { readonly ok: true; readonly result: unknown }
  | {
      readonly ok: false;
      readonly code: ErrorCode;
      readonly message: string;
      readonly details: ErrorDetails;
    };

interface Thread {
  readonly worker: Worker;
  /** Jobs handed over whose answers have not come yet, oldest first: a thread answers in order. */
  readonly waiting: { resolve: (answer: Answer) => void; reject: (cause: unknown) => void }[];
}

/** Two a thread: one under way and one ready, so that no core waits for the main thread. */
const jobsPerThread = 2;
/** Results that may wait for an earlier one, beside those that threads have under way. */
const aheadOfTurn = 4;

/**
 * The main thread works too: it does what comes while the threads have enough to do, so one thread less than there are
 * cores is started. They start with the second job, since most calls have one only, and end with the last. `program`
 * is their entry file.
 */
export function workers(program: URL): Workers {
  return {
    async *map<Job, Result>(
      task: string,
      jobs: AsyncIterable<Job>,
      here: (job: Job) => Promise<Result>,
      mustStay: (job: Job) => boolean = () => false,
    ) {
      let threads: Thread[] | undefined;
      let first = true;
      const answers: Promise<Answer>[] = [];
      try {
        for await (const job of jobs) {
          if (!first) threads ??= await startThreads(program, task);
          first = false;
          const free = mustStay(job) ? undefined : leastBusy(threads ?? []);
          if (free !== undefined) answers.push(hand(free, job));
          else {
            answers.push(Promise.resolve({ ok: true, result: await here(job) }));
            await setImmediate(); // answers of threads and of the disk have their turn
          }
          const most = (threads?.length ?? 0) * jobsPerThread + aheadOfTurn;
          while (answers.length > most) yield unwrap<Result>(await answers.shift()!);
        }
        while (answers.length > 0) yield unwrap<Result>(await answers.shift()!);
      } finally {
        for (const answer of answers) answer.catch(() => undefined); // given up on: the first error is the one told
        await Promise.all((threads ?? []).map((thread) => thread.worker.terminate()));
      }
    },
  };
}

/** Node's module for threads is loaded with the first of them: most runs have none. */
async function startThreads(program: URL, task: string): Promise<Thread[]> {
  const { Worker } = await import("node:worker_threads");
  const worker = () => new Worker(program, { workerData: { task } });
  return Array.from({ length: availableParallelism() - 1 }, () => startThread(worker()));
}

function startThread(worker: Worker): Thread {
  const thread: Thread = { worker, waiting: [] };
  thread.worker.on("message", (answer: Answer) => thread.waiting.shift()?.resolve(answer));
  thread.worker.on("error", (cause) => {
    for (const job of thread.waiting.splice(0)) job.reject(cause);
  });
  return thread;
}

function leastBusy(threads: readonly Thread[]): Thread | undefined {
  const [least] = [...threads].sort((a, b) => a.waiting.length - b.waiting.length);
  return least !== undefined && least.waiting.length < jobsPerThread ? least : undefined;
}

function hand(thread: Thread, job: unknown): Promise<Answer> {
  const answer = new Promise<Answer>((resolve, reject) => thread.waiting.push({ resolve, reject }));
  thread.worker.postMessage(job);
  return answer;
}

function unwrap<Result>(answer: Answer): Result {
  if (answer.ok) return answer.result as Result;
  throw new NixsealError(answer.code, answer.message, answer.details);
}
