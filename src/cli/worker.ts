/** The program of a worker thread: one task, named by the main thread, run for job after job, answered in order. */
import { parentPort, workerData } from "node:worker_threads";
import { NixsealError } from "../core/errors.ts";
import type { Answer } from "../system/workers.ts";

/** What can be done on another core. Jobs and results are plain data. */
const tasks: Readonly<Record<string, () => Promise<(job: unknown) => Promise<unknown>>>> = {};

const { task } = workerData as { task: string };
const work = tasks[task]?.();
let queue = Promise.resolve();

parentPort?.on("message", (job: unknown) => {
  queue = queue.then(async () => parentPort!.postMessage(await answer(job)));
});

async function answer(job: unknown): Promise<Answer> {
  try {
    if (work === undefined) throw new NixsealError("bug", `no such task: ${task}`);
    return { ok: true, result: await (await work)(job) };
  } catch (error) {
    if (!(error instanceof NixsealError)) throw error;
    return {
      ok: false,
      code: error.code,
      message: error.message,
      details: { hint: error.hint, where: error.where },
    };
  }
}
