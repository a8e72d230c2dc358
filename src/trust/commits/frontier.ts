/** The verified frontier: which histories were accepted whole, so that they need not be judged again. */
import { createHash } from "node:crypto";
import type { Emit } from "../../core/events.ts";
import { canonicalJson, type Json } from "../../core/canonical-json.ts";
import { NixsealError } from "../../core/errors.ts";
import type { ObjectId } from "./object-id.ts";
import type { StateDirectory } from "../state-directory.ts";

/** Every commit that `tips` reach and `excluded` do not. */
interface Accepted {
  readonly tips: readonly ObjectId[];
  readonly excluded: readonly ObjectId[];
  readonly count: number;
}

const maximumEntries = 64;

/**
 * Kept apart for every different basis of a decision: another list of signers, KRL or policy, and nothing is known.
 * Commit ids stand for their content and all history, so an entry is as true in any other clone. What was accepted
 * stays accepted when its key expires: it was judged while the key was good.
 */
export class Frontier {
  readonly #state: StateDirectory | null;
  readonly #name: string;
  readonly #entries: readonly Accepted[];
  readonly #emit: Emit;

  private constructor(state: StateDirectory | null, name: string, entries: readonly Accepted[], emit: Emit) {
    this.#state = state;
    this.#name = name;
    this.#entries = entries;
    this.#emit = emit;
  }

  /** `basis`: everything but the commits that the decision follows from. A file that cannot be trusted is a warning. */
  static async open(state: StateDirectory | null, basis: Json, emit: Emit): Promise<Frontier> {
    // The version moves when a rule changes, so that what older rules accepted is judged again.
    const text = canonicalJson({ basis, version: 1 });
    const name = `frontier-${createHash("sha256").update(text).digest("hex")}.json`;
    try {
      return new Frontier(state, name, readEntries(await state?.read(name)), emit);
    } catch (error) {
      if (!(error instanceof NixsealError)) throw error;
      emit({ type: "warning", message: `${error.message}: every commit is judged again` });
      return new Frontier(null, name, [], emit);
    }
  }

  /** How many commits, when exactly this range was accepted. */
  count(tips: readonly ObjectId[], excluded: readonly ObjectId[]): number | null {
    return (
      this.#entries.find((entry) => same(entry.tips, tips) && same(entry.excluded, excluded))?.count ?? null
    );
  }

  /** Commits whose history, down to some of `excluded`, was accepted. */
  accepted(excluded: readonly ObjectId[]): readonly ObjectId[] {
    const within = this.#entries.filter((entry) => entry.excluded.every((id) => excluded.includes(id)));
    return [...new Set(within.flatMap(({ tips }) => tips))];
  }

  /** A home that cannot be written is a warning: the verdict does not depend on it. */
  async remember(tips: readonly ObjectId[], excluded: readonly ObjectId[], count: number): Promise<void> {
    const others = this.#entries.filter(
      (entry) => !(same(entry.tips, tips) && same(entry.excluded, excluded)),
    );
    const entries = [...others, { tips, excluded, count }].slice(-maximumEntries);
    try {
      await this.#state?.write(this.#name, { entries: entries.map((entry) => ({ ...entry })) });
    } catch (error) {
      if (!(error instanceof NixsealError)) throw error;
      this.#emit({ type: "warning", message: `${error.message}: the next run judges all commits again` });
    }
  }
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.toSorted().join() === b.toSorted().join();
}

function readEntries(document: unknown): Accepted[] {
  if (document === null || document === undefined) return [];
  const { entries } = document as { readonly entries?: unknown };
  if (Array.isArray(entries) && entries.length <= maximumEntries && entries.every(isEntry)) return entries;
  throw new NixsealError("malformed", "the record of accepted commits cannot be read");
}

function isEntry(value: unknown): value is Accepted {
  const { tips, excluded, count } = (value ?? {}) as Partial<Record<keyof Accepted, unknown>>;
  return isIds(tips) && isIds(excluded) && Number.isSafeInteger(count) && Number(count) >= 0;
}

function isIds(value: unknown): value is ObjectId[] {
  return (
    Array.isArray(value) &&
    value.length <= 1000 &&
    value.every((id) => typeof id === "string" && /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(id))
  );
}
