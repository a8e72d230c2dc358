/**
 * What this user has accepted of a fleet's root before, in the state directory: one memory a fleet, whose name is the
 * digest of its first root, so that every clone has it, also a fresh one; and beside it which fleet each directory held,
 * so that a whole other fleet in its place is noticed too.
 */
import { createHash } from "node:crypto";
import { hex, sameBytes } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { StateDirectory } from "../state-directory.ts";
import type { Envelope } from "./envelope.ts";
import { formatSeen, latest, nothingSeen, readSeen, seenDocument, type Seen } from "./seen.ts";

export class RootMemory {
  readonly #state: StateDirectory;
  readonly #place: string | null;
  readonly #pinned: string | null;

  private constructor(state: StateDirectory, place: string | null, pinned: string | null) {
    this.#state = state;
    this.#place = place;
    this.#pinned = pinned;
  }

  /** Of whatever fleet lies in the directory, which is absolute and without symlinks. */
  static at(state: StateDirectory, directory: string): RootMemory {
    return new RootMemory(state, `place-${digest(directory)}.json`, null);
  }

  /** Of the fleet that follows from this root, wherever it lies. */
  static from(state: StateDirectory, pinned: Envelope): RootMemory {
    return new RootMemory(state, null, nameOf(pinned));
  }

  /** `first`: the first root that lies there now, for a place of which nothing is known yet. */
  async read(first: Envelope | null): Promise<Seen> {
    const name = await this.#name(first);
    return name === null ? nothingSeen : this.#seen(name);
  }

  /** Adds what was accepted now. Read again under a lock: a run that took longer takes nothing back. */
  async remember(first: Envelope | null, after: Seen): Promise<void> {
    const name = await this.#name(first);
    if (name === null) throw new NixsealError("bug", "a root without a first version was accepted");
    const before = await this.#seen(name);
    const isKnown = (seen: Seen): boolean => sameBytes(formatSeen(seen), formatSeen(latest(seen, after)));
    if (isKnown(before) && (this.#place === null || (await this.#fleet(this.#place)) !== null)) return;
    await this.#state.locked("remember the root", async () => {
      const now = await this.#seen(name);
      if (!isKnown(now)) await this.#state.write(name, seenDocument(latest(now, after)));
      // Last: a place that names a fleet without a memory would count as nothing seen.
      if (this.#place !== null) await this.#state.write(this.#place, { fleet: name });
    });
  }

  async #name(first: Envelope | null): Promise<string | null> {
    if (this.#pinned !== null) return this.#pinned;
    const known = this.#place === null ? null : await this.#fleet(this.#place);
    return known ?? (first === null ? null : nameOf(first));
  }

  async #fleet(place: string): Promise<string | null> {
    const document = await this.#state.read(place);
    if (document === null) return null;
    const { fleet } = document as { readonly fleet?: unknown };
    if (typeof fleet === "string" && /^fleet-[0-9a-f]{64}\.json$/.test(fleet)) return fleet;
    throw this.#state.damaged(place);
  }

  async #seen(name: string): Promise<Seen> {
    const document = await this.#state.read(name);
    if (document === null) return nothingSeen;
    try {
      return readSeen(document);
    } catch (error) {
      throw this.#state.damaged(name, error);
    }
  }
}

function nameOf({ payload }: Envelope): string {
  return `fleet-${digest(payload)}.json`;
}

function digest(content: string | Uint8Array): string {
  return hex(createHash("sha256").update(content).digest());
}
