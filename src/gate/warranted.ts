/** Which store paths the warrants of this host name, and what each must be. */
import type { Files } from "../core/file-ports.ts";
import { digestOf, type StorePath } from "../nix/store-path.ts";
import type { ClosurePath } from "../trust/warrant/closure.ts";
import type { WarrantEnvelope } from "../trust/warrant/envelope.ts";
import { isPassedOver } from "../trust/warrant/sequence.ts";
import type { WarrantState } from "../trust/warrant/state.ts";
import type { GatePaths } from "./paths.ts";
import { pendingDigests, readActive, readPending } from "./pending.ts";

export interface WarrantedPath {
  readonly path: ClosurePath;
  readonly envelope: WarrantEnvelope;
  /** Whether it is the warrant of the running system, rather than one that is offered. */
  readonly active: boolean;
}

/**
 * Several warrants may name one path with different content, since not every build gives the same bytes twice. The offered ones
 * come before the active one and the newest first: what is to be activated next decides.
 */
export class WarrantedPaths {
  /** In the order in which they decide. */
  readonly envelopes: readonly WarrantEnvelope[];
  readonly #byPath = new Map<StorePath, WarrantedPath>();

  constructor(pending: readonly WarrantEnvelope[], active: WarrantEnvelope | null) {
    const offered = [...pending].sort(newestFirst);
    this.envelopes = active === null ? offered : [...offered, active];
    for (const envelope of this.envelopes)
      for (const path of envelope.warrant.paths)
        if (!this.#byPath.has(path.path))
          this.#byPath.set(path.path, { path, envelope, active: envelope === active });
  }

  get(path: StorePath): WarrantedPath | null {
    return this.#byPath.get(path) ?? null;
  }

  /** The digest parts of all paths that are named. */
  digests(): string[] {
    return [...this.#byPath.keys()].map((path) => digestOf(path));
  }

  /** The newest that orders this system. */
  forToplevel(toplevel: StorePath): WarrantEnvelope | null {
    return this.envelopes.find(({ warrant }) => warrant.toplevel === toplevel) ?? null;
  }
}

/** Those that are offered and could still be activated, and the active one. */
export async function readWarranted(
  files: Pick<Files, "list" | "read" | "statusOfLink">,
  paths: Pick<GatePaths, "pending" | "active">,
  { accepted, now }: { readonly accepted: WarrantState; readonly now: Date },
): Promise<WarrantedPaths> {
  const pending: WarrantEnvelope[] = [];
  for (const digest of await pendingDigests(files, paths)) {
    const envelope = await readPending(files, paths, digest);
    if (envelope === null || now >= envelope.warrant.expires) continue;
    // Offered ones come before the active one: one that was passed over would undo, path by path, what was ordered since.
    if (!isPassedOver(envelope, accepted)) pending.push(envelope);
  }
  return new WarrantedPaths(pending, await readActive(files, paths));
}

function newestFirst(a: WarrantEnvelope, b: WarrantEnvelope): number {
  const [one, other] = [a.warrant, b.warrant];
  return other.notBefore.getTime() - one.notBefore.getTime() || other.seq - one.seq;
}
