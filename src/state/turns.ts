import type { Lock } from "../core/file-ports.ts";

/** Writes under one lock before others may come in between. */
const mostAtOnce = 32;

interface Turn {
  readonly work: () => Promise<void>;
  readonly refuse: (error: unknown) => void;
}

/**
 * One after another, each under the lock, which costs a process to take: what this process wants done meanwhile is done under
 * the same one. A rollout writes a thousand times, from many hosts at once.
 */
export class Turns {
  readonly #lock: () => Promise<Lock>;
  readonly #waiting: Turn[] = [];
  #busy = false;

  constructor(lock: () => Promise<Lock>) {
    this.#lock = lock;
  }

  take<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ work: () => work().then(resolve, reject), refuse: reject });
      if (!this.#busy) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#busy = true;
    while (this.#waiting.length > 0) {
      try {
        const lock = await this.#lock();
        for (let done = 0; done < mostAtOnce && this.#waiting.length > 0; done++)
          await this.#waiting.shift()!.work();
        await lock.release();
      } catch (error) {
        // Who waits for the lock has waited as long as the first one.
        for (const { refuse } of this.#waiting.splice(0)) refuse(error);
      }
    }
    this.#busy = false;
  }
}
