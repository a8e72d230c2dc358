/** The program of a worker thread: one task, named by the main thread, run for job after job, answered in order. */
import { parentPort, workerData } from "node:worker_threads";
import { NixsealError } from "../core/errors.ts";
import { tasks } from "../ops/tasks.ts";
import { random } from "../system/random.ts";
import type { Answer } from "../system/workers.ts";

const { task } = workerData as { task: string };
const work = tasks[task]?.(random);
let queue = Promise.resolve();

parentPort?.on("message", (job: unknown) => {
  queue = queue.then(async () => parentPort!.postMessage(await answer(job)));
});

async function answer(job: unknown): Promise<Answer> {
  try {
    if (work === undefined) throw new NixsealError("bug", `no such task: ${task}`);
    return { ok: true, result: await (await work)(job as never) };
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
