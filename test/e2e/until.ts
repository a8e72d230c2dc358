import { setTimeout as sleep } from "node:timers/promises";

/** Asks every 50 ms until the answer is not undefined; rejects after `timeout` milliseconds. */
export async function until<T>(
  what: string,
  timeout: number,
  ask: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const end = Date.now() + timeout;
  while (Date.now() < end) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await sleep(50);
  }
  throw new Error(`waited ${timeout} ms in vain: ${what}`);
}
