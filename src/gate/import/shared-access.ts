/** One connection to Nix for messages that overlap. */
import { NixsealError } from "../../core/errors.ts";
import type { WorkerClient } from "../../nix/protocol/worker-client.ts";
import { GateRefusal } from "../answer.ts";
import type { StoreAccess } from "../store-access.ts";

interface Shared {
  readonly access: Promise<StoreAccess>;
  users: number;
}

export class SharedAccess {
  readonly #open: () => Promise<StoreAccess>;
  readonly #letGo: () => Promise<void>;
  #shared: Shared | null = null;

  /** `letGo` is called before a connection is closed: until then Nix holds what came over it. */
  constructor(open: () => Promise<StoreAccess>, letGo: () => Promise<void>) {
    this.#open = open;
    this.#letGo = letGo;
  }

  /**
   * After an error the connection may be out of step, and who comes next has another; but not after a decision of our own: many refusals
   * are not to start as many programs. Where it was another's error that made the connection useless, `work` is begun anew, once.
   */
  async use<T>(work: (client: WorkerClient) => Promise<T>, again = true): Promise<T> {
    const shared = (this.#shared ??= { access: this.#open(), users: 0 });
    shared.users += 1;
    try {
      return await work((await shared.access).client);
    } catch (error) {
      if (this.#shared === shared && !(error instanceof GateRefusal)) this.#shared = null;
      if (!again || !(error instanceof NixsealError) || error.code !== "conflict") throw error;
    } finally {
      shared.users -= 1;
      if (shared.users === 0 && this.#shared !== shared) await this.#close(shared);
    }
    return this.use(work, false);
  }

  /** When nobody uses it any more. */
  async end(): Promise<void> {
    if (this.#shared !== null) await this.#close(this.#shared);
    this.#shared = null;
  }

  async #close({ access }: Shared): Promise<void> {
    await this.#letGo();
    const open = await access.catch(() => null); // told to whoever asked for it
    open?.close();
  }
}
