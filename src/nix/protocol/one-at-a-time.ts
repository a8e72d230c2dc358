import { NixsealError } from "../../core/errors.ts";

/**
 * Both protocols answer in order and name no request, so requests of one connection may not overlap. After an
 * error the answers may be out of step: the connection is of no more use.
 */
export class OneAtATime {
  #state: "idle" | "busy" | "broken" = "idle";

  async take<T>(work: () => Promise<T>, harmless: (error: unknown) => boolean = () => false): Promise<T> {
    if (this.#state !== "idle")
      throw new NixsealError(
        "conflict",
        this.#state === "busy"
          ? "a request is under way on this connection"
          : "the connection is of no use after an earlier error",
      );
    this.#state = "busy";
    try {
      const result = await work();
      this.#state = "idle";
      return result;
    } catch (error) {
      this.#state = harmless(error) ? "idle" : "broken";
      throw error;
    }
  }
}
