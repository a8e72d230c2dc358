import { NixsealError } from "../../core/errors.ts";

/**
 * Both protocols answer in order and name no request, so requests of one connection wait for one another. After an
 * error the answers may be out of step: the connection is of no more use, and `conflict` for whoever asks.
 */
export class OneAtATime {
  #last: Promise<unknown> = Promise.resolve();
  #broken = false;

  take<T>(work: () => Promise<T>, harmless: (error: unknown) => boolean = () => false): Promise<T> {
    const turn = this.#last.then(async () => {
      if (this.#broken)
        throw new NixsealError("conflict", "the connection is of no use after an earlier error");
      try {
        return await work();
      } catch (error) {
        if (!harmless(error)) this.#broken = true;
        throw error;
      }
    });
    this.#last = turn.catch(() => undefined); // told to whoever asked
    return turn;
  }
}
