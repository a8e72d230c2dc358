import type { StorePath } from "../../nix/store-path.ts";

/** Of messages that overlap those about one path come one after another. */
export class Turns {
  readonly #last = new Map<StorePath, Promise<unknown>>();

  async take<T>(path: StorePath, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(path) ?? Promise.resolve();
    const done = before.then(work, work); // an error is told to whoever asked
    this.#last.set(path, done);
    try {
      return await done;
    } finally {
      if (this.#last.get(path) === done) this.#last.delete(path);
    }
  }
}
