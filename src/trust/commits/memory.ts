/** The tips that were accepted last: a reference may only move forward, and time does not go back. */
import { createHash } from "node:crypto";
import { NixsealError } from "../../core/errors.ts";
import { gitFailed } from "./git.ts";
import type { ObjectId } from "./object-id.ts";
import type { Repository } from "./repository.ts";
import type { StateDirectory } from "../state-directory.ts";

/** What is remembered of one repository. */
export interface Accepted {
  readonly tips: ReadonlyMap<string, ObjectId>;
  /** The highest of the clock and the dates of accepted commits: milliseconds since 1970. */
  readonly time: number;
  /** The number of the newest revocation list; null when there never was one. */
  readonly krl: bigint | null;
}

const maximumReferences = 1000;

/** `history` tells repositories apart: an introduction, or the directory of the repository. */
export class Memory {
  readonly #state: StateDirectory;
  readonly #name: string;

  constructor(state: StateDirectory, history: string) {
    this.#state = state;
    this.#name = `tips-${createHash("sha256").update(history).digest("hex")}.json`;
  }

  async read(): Promise<Accepted> {
    const document = await this.#state.read(this.#name);
    if (document === null) return { tips: new Map(), time: 0, krl: null };
    const { tips, time, krl } = document as Readonly<Partial<Record<keyof Accepted, unknown>>>;
    const isTime = typeof time === "number" && Number.isSafeInteger(time);
    const isNumber = krl === null || (typeof krl === "string" && /^\d{1,20}$/.test(krl));
    if (!Array.isArray(tips) || !tips.every(isTip) || !isTime || !isNumber)
      throw this.#state.damaged(this.#name);
    return {
      tips: new Map(tips.map(({ reference, commit }) => [reference, commit])),
      time,
      krl: krl === null ? null : BigInt(krl),
    };
  }

  /** Reads again under a lock, so that two runs at once forget nothing, and time never sinks. */
  async remember({ tips, time, krl }: Accepted): Promise<void> {
    await this.#state.locked("remember accepted commits", async () => {
      const before = await this.read();
      const all = [...new Map([...before.tips, ...tips])];
      // Not the oldest dropped: who makes many references would make us forget.
      if (all.length > maximumReferences)
        throw new NixsealError("limit", `more than ${maximumReferences} references are remembered`);
      const list = all.map(([reference, commit]) => ({ reference, commit }));
      await this.#state.write(this.#name, {
        tips: list,
        time: Math.max(time, before.time),
        krl: (krl ?? before.krl)?.toString() ?? null,
      });
    });
  }
}

function isTip(value: unknown): value is { reference: string; commit: ObjectId } {
  const { reference, commit } = (value ?? {}) as { readonly reference?: unknown; readonly commit?: unknown };
  return (
    typeof reference === "string" &&
    typeof commit === "string" &&
    /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(commit)
  );
}

/** Whether `older` is `newer` or one of its ancestors. A commit that is gone is no ancestor of anything. */
export async function isAncestor({ git }: Repository, older: ObjectId, newer: ObjectId): Promise<boolean> {
  const { code, stderr } = await git.run(["merge-base", "--is-ancestor", older, newer]);
  if (code === 0) return true;
  if (code === 1 || /not a (?:valid )?commit|bad object/i.test(stderr)) return false;
  throw gitFailed("merge-base", stderr);
}
