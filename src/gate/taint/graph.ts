/** Which path came to be with the help of which. Pure; numbers inside, since a machine's store has a million edges. */
import type { StorePath } from "../../nix/store-path.ts";

/** `refers`: it holds the name of the other and uses it. `built`: the other was an input of its build. */
export type How = "refers" | "built";

export interface Step {
  readonly path: StorePath;
  /** How this path depends on the one before it; null for the first. */
  readonly how: How | null;
}

export class DependencyGraph {
  readonly #numbers = new Map<StorePath, number>();
  readonly #paths: StorePath[] = [];
  /** By the number of what is depended on: twice the number of the dependent, plus one where it was built from it. */
  readonly #dependents: number[][] = [];
  /** By the number of a path that the store has: what it refers to now. */
  readonly #references = new Map<number, number[]>();

  /** What the store has now. */
  addValid(path: StorePath, references: readonly StorePath[]): void {
    this.#references.set(
      this.#number(path),
      references.map((reference) => this.#number(reference)),
    );
    for (const reference of references) this.add(path, "refers", reference);
  }

  isValid(path: StorePath): boolean {
    return this.#references.has(this.#numbers.get(path) ?? -1);
  }

  /** What the store's path needs now, itself included. */
  closureOf(path: StorePath): Set<StorePath> {
    const reached = new Set([this.#number(path)]);
    for (const one of reached) for (const next of this.#references.get(one) ?? []) reached.add(next);
    return new Set(Array.from(reached, (one) => this.#paths[one]!));
  }

  add(dependent: StorePath, how: How, dependency: StorePath): void {
    if (dependent === dependency) return;
    const edge = 2 * this.#number(dependent) + (how === "built" ? 1 : 0);
    this.#dependents[this.#number(dependency)]!.push(edge);
  }

  /** Everything that depends on one of these, however far, each with a shortest chain from one of them to it. */
  *dependentsOf(seeds: Iterable<StorePath>): Generator<readonly Step[]> {
    const before = new Map<number, number>();
    for (const seed of seeds) before.set(this.#number(seed), -1);
    // Walked in the order of insertion, what is added meanwhile included: by distance, and no recursion to overflow.
    for (const [current, edge] of before) {
      if (edge !== -1) yield this.#chain(current, before);
      for (const next of this.#dependents[current]!) {
        const dependent = next >> 1;
        if (!before.has(dependent)) before.set(dependent, 2 * current + (next & 1));
      }
    }
  }

  #chain(end: number, before: ReadonlyMap<number, number>): Step[] {
    const steps: Step[] = [];
    for (let current = end; ;) {
      const edge = before.get(current)!;
      const path = this.#paths[current]!;
      if (edge === -1) return [{ path, how: null }, ...steps.toReversed()];
      steps.push({ path, how: edge & 1 ? "built" : "refers" });
      current = edge >> 1;
    }
  }

  #number(path: StorePath): number {
    const known = this.#numbers.get(path);
    if (known !== undefined) return known;
    this.#numbers.set(path, this.#paths.length);
    this.#dependents.push([]);
    return this.#paths.push(path) - 1;
  }
}
