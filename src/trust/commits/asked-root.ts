import type { HistoryRoot } from "./history-root.ts";

/** Asked once, and only if somebody needs it. */
export class AskedRoot {
  readonly #source: () => Promise<HistoryRoot>;
  answer: HistoryRoot | null = null;

  constructor(source: () => Promise<HistoryRoot>) {
    this.#source = source;
  }

  async ask(): Promise<HistoryRoot> {
    return (this.answer ??= await this.#source());
  }
}
