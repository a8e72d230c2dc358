import { NixsealError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports.ts";
import type { ProtocolLimits } from "./limits.ts";

/**
 * Bounds the waits of one connection. Time is counted in sleeps, not read from the clock: setting the clock
 * neither ends a connection nor keeps one. There is one sleep at a time, however many waits there are.
 */
export class Patience {
  readonly #clock: Pick<Clock, "sleep">;
  readonly #limits: Pick<ProtocolLimits, "idle" | "waiting">;
  readonly #step: number;
  readonly #waits = new Set<(reason: unknown) => void>();
  #watching = false;
  #quiet = 0;
  #waited = 0;

  constructor(clock: Pick<Clock, "sleep">, limits: Pick<ProtocolLimits, "idle" | "waiting">) {
    this.#clock = clock;
    this.#limits = limits;
    this.#step = Math.min(1000, limits.idle);
  }

  /** The result of `work`, or error `timeout` when the other side does nothing for too long. */
  wait<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waits.add(reject);
      if (!this.#watching) void this.#watch();
      const over = (): void => {
        this.#waits.delete(reject);
        this.#quiet = 0;
      };
      work.then(resolve, reject);
      work.then(over, over);
    });
  }

  async #watch(): Promise<void> {
    this.#watching = true;
    while (this.#waits.size > 0) {
      // Whoever waits has a connection open, which is what keeps the program.
      await this.#clock.sleep(this.#step, { background: true });
      if (this.#waits.size === 0) break;
      this.#quiet += this.#step;
      this.#waited += this.#step;
      if (this.#quiet >= this.#limits.idle)
        this.#expire(`the other side did nothing for ${this.#limits.idle / 1000} s`);
      else if (this.#waited >= this.#limits.waiting)
        this.#expire(`the other side was waited for ${this.#limits.waiting / 1000} s in all`);
    }
    this.#watching = false;
  }

  #expire(message: string): void {
    for (const reject of this.#waits) reject(new NixsealError("timeout", message));
    this.#waits.clear();
  }
}
