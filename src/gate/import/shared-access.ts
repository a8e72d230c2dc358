/** One connection to Nix for messages that overlap. */
import type { WorkerClient } from "../../nix/protocol/worker-client.ts";
import type { StorePath } from "../../nix/store-path.ts";
import type { StoreAccess } from "../store-access.ts";

interface Shared {
  readonly access: Promise<StoreAccess>;
  users: number;
}

export class SharedAccess {
  readonly #open: () => Promise<StoreAccess>;
  readonly #letGo: () => Promise<void>;
  #shared: Shared | null = null;
  readonly #atWork = new Map<StorePath, Promise<unknown>>();

  /** `letGo` is called before a connection is closed: until then Nix holds what came over it. */
  constructor(open: () => Promise<StoreAccess>, letGo: () => Promise<void>) {
    this.#open = open;
    this.#letGo = letGo;
  }

  /** For one message about a path after another. */
  async use<T>(path: StorePath, work: (client: WorkerClient) => Promise<T>): Promise<T> {
    const before = this.#atWork.get(path);
    const done = (async () => {
      await before?.catch(() => undefined); // told in its own answer
      return this.#withClient(work);
    })();
    this.#atWork.set(path, done);
    try {
      return await done;
    } finally {
      if (this.#atWork.get(path) === done) this.#atWork.delete(path);
    }
  }

  /** When nobody uses it any more. */
  async end(): Promise<void> {
    if (this.#shared !== null) await this.#close(this.#shared);
    this.#shared = null;
  }

  /** After an error, whatever it was, the connection may be out of step: who comes next has another. */
  async #withClient<T>(work: (client: WorkerClient) => Promise<T>): Promise<T> {
    const shared = (this.#shared ??= { access: this.#open(), users: 0 });
    shared.users += 1;
    try {
      return await work((await shared.access).client);
    } catch (error) {
      if (this.#shared === shared) this.#shared = null;
      throw error;
    } finally {
      shared.users -= 1;
      if (shared.users === 0 && this.#shared !== shared) await this.#close(shared);
    }
  }

  async #close({ access }: Shared): Promise<void> {
    await this.#letGo();
    const open = await access.catch(() => null); // told to whoever asked for it
    open?.close();
  }
}
