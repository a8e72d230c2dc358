/**
 * What this user has accepted of a fleet's root before, in the state directory: one memory a fleet, whose name is the
 * digest of its first root, so that every clone has it, also a fresh one; and beside it which fleet each directory held,
 * so that a whole other fleet in its place is noticed too.
 */
import { createHash } from "node:crypto";
import { hex, sameBytes } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/ports.ts";
import type { StateDirectory } from "../state-directory.ts";
import type { Envelope } from "./envelope.ts";
import { formatSeen, latest, nothingSeen, readSeen, seenDocument, type Seen } from "./seen.ts";
import { readFirst } from "./store.ts";

export class RootMemory {
  readonly #state: StateDirectory;
  readonly #place: string;

  private constructor(state: StateDirectory, place: string) {
    this.#state = state;
    this.#place = place;
  }

  /** `place`: the fleet's directory, however it was reached; or another name for where the root came from. */
  static of(state: StateDirectory, place: string): RootMemory {
    return new RootMemory(state, `place-${digest(place)}.json`);
  }

  /** By what the directory held before; where nothing is known of it, by the first root that lies there now. */
  async read(files: Pick<Files, "read" | "statusOfLink">, directory: string): Promise<Seen> {
    const known = await this.#fleet();
    if (known !== null) return this.#seen(known);
    const first = await readFirst(files, directory);
    return first === null ? nothingSeen : this.#seen(nameOf(first));
  }

  /**
   * Adds what was accepted now. Read again under a lock: a run that took longer takes nothing back. `first` names a fleet
   * that was not known here.
   */
  async remember(first: Envelope | null, after: Seen): Promise<void> {
    const name = (await this.#fleet()) ?? (first === null ? null : nameOf(first));
    if (name === null) throw new NixsealError("bug", "a root without a first version was accepted");
    await this.#state.locked("remember the root", async () => {
      const before = await this.#seen(name);
      const seen = latest(before, after);
      if (!sameBytes(formatSeen(before), formatSeen(seen))) await this.#state.write(name, seenDocument(seen));
      // Last: a place that names a fleet without a memory would count as nothing seen.
      if ((await this.#fleet()) === null) await this.#state.write(this.#place, { fleet: name });
    });
  }

  async #fleet(): Promise<string | null> {
    const document = await this.#state.read(this.#place);
    if (document === null) return null;
    const { fleet } = document as { readonly fleet?: unknown };
    if (typeof fleet === "string" && /^fleet-[0-9a-f]{64}\.json$/.test(fleet)) return fleet;
    throw this.#state.damaged(this.#place);
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
