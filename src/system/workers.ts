import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
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

/** Threads that run `program` (a worker entry file). They start with the first job and end with the last. */
export function workers(program: URL): Workers {
  return {
    async *map<Job, Result>(task: string, jobs: Iterable<Job> | AsyncIterable<Job>) {
      const threads = Array.from({ length: Math.max(1, availableParallelism()) }, () =>
        startThread(program, task),
      );
      const answers: Promise<Answer>[] = [];
      let next = 0;
      try {
        for await (const job of jobs) {
          answers.push(hand(threads[next++ % threads.length]!, job));
          if (answers.length >= threads.length * jobsPerThread) yield unwrap<Result>(await answers.shift()!);
        }
        while (answers.length > 0) yield unwrap<Result>(await answers.shift()!);
      } finally {
        for (const answer of answers) answer.catch(() => undefined); // given up on: the first error is the one told
        await Promise.all(threads.map((thread) => thread.worker.terminate()));
      }
    },
  };
}

function startThread(program: URL, task: string): Thread {
  const thread: Thread = { worker: new Worker(program, { workerData: { task } }), waiting: [] };
  thread.worker.on("message", (answer: Answer) => thread.waiting.shift()?.resolve(answer));
  thread.worker.on("error", (cause) => {
    for (const job of thread.waiting.splice(0)) job.reject(cause);
  });
  return thread;
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
