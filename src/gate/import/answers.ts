import type { Clock } from "../../core/ports.ts";
import type { GateResult } from "../answer.ts";

/** What is answered, and what the journal is told of it. */
export interface Answered {
  readonly result: GateResult;
  readonly told: string;
}

/** Milliseconds for which an answer waits for others, while there are messages that it may be followed by. */
const gathered = 2;

/** Answers in the order of their messages. Some go in one write: each write wakes the other side, which costs as much as a small path. */
export class Answers {
  readonly #write: (answers: readonly Answered[]) => Promise<void>;
  readonly #clock: Pick<Clock, "sleep">;
  #ready: Answered[] = [];
  #awaited = 0;
  #last: Promise<void> = Promise.resolve();
  #later: Promise<void> | null = null;
  #written: Promise<void> = Promise.resolve();

  constructor(write: (answers: readonly Answered[]) => Promise<void>, clock: Pick<Clock, "sleep">) {
    this.#write = write;
    this.#clock = clock;
  }

  /** To be called in the order of the messages. Done when the answer was given, after all before it. */
  give(answer: Promise<Answered>): Promise<void> {
    this.#awaited += 1;
    const turn = this.#take(answer, this.#last);
    this.#last = turn;
    return turn.then(() => this.#given());
  }

  async #take(answer: Promise<Answered>, before: Promise<void>): Promise<void> {
    const [one] = await Promise.all([answer, before]);
    this.#awaited -= 1;
    this.#ready.push(one);
  }

  #given(): Promise<void> {
    if (this.#awaited === 0) return this.#flush();
    this.#later ??= this.#clock.sleep(gathered).then(() => {
      this.#later = null;
      return this.#flush();
    });
    return this.#later;
  }

  /** One after another: a journal that hangs is waited for, and then no more, which is no reason to overtake. */
  #flush(): Promise<void> {
    const answers = this.#ready;
    this.#ready = [];
    if (answers.length > 0) this.#written = this.#written.then(() => this.#write(answers));
    return this.#written;
  }
}
