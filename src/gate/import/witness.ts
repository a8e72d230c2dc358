/** Where a path is from that Nix took without the root side: seen by the root side itself, for the ledger. */
import type { Files } from "../../core/file-ports.ts";
import type { Clock } from "../../core/ports.ts";
import type { PathInfo } from "../../nix/path-info.ts";
import type { WorkerClient } from "../../nix/protocol/worker-client.ts";
import type { PublicKey } from "../../nix/signing-key.ts";
import type { StorePath } from "../../nix/store-path.ts";
import { GateRefusal } from "../answer.ts";
import type { LedgerRecord } from "../ledger/entry.ts";
import { growsTooFast } from "../ledger/growth.ts";
import type { Actor, Origin } from "../ledger/origin.ts";
import { isContentAddressed, signedBy } from "../proof.ts";
import type { WitnessMessage } from "../store-message.ts";
import { lookUp } from "./import-path.ts";

export interface WitnessParts {
  readonly files: Pick<Files, "list" | "statusOfLink">;
  readonly clock: Pick<Clock, "now">;
  /** Of the ledger. */
  readonly directory: string;
  readonly upstream: readonly PublicKey[];
}

/** Seconds from a path that Nix took to the message about it, on a connection that had to be made. */
const justNow = 10;
/** Paths that one connection is asked about; as many as the longest list of an upload. */
const mostPaths = 100_000;
/** A cache signs once with each key; who sends the path can put any number beside that. */
const mostSignatures = 64;

/**
 * Of the message only the path's name counts, and who sent it is written down as the receiver's word. What the path is says Nix; whether
 * that is proved says the host's own configuration. Whoever owns the deploy user's side is limited by:
 * - no wrong entries: Nix registered the path since just before the connection began and not in the time to come (the time is the sender's
 *   to choose when it sends to Nix itself), and a key of `upstream` or the content's own address covers what Nix has. That it was another
 *   user of this host who brought such a path in these seconds, it can claim.
 * - no endless ledger: each path once a connection, and none while the ledger grows faster than any host's does;
 * - no costly work: two questions to Nix about a name, some signatures, no archive; a path that was asked about before costs none of them,
 *   and a refusal leaves the connection to Nix as it is.
 */
export class Witness {
  readonly #parts: WitnessParts;
  /** Seconds, as Nix counts when a path was registered; the first message comes right after the path that it is about. */
  readonly #began: number;
  /** Those that were asked about, and whether the ledger has what was seen. */
  readonly #seen = new Map<StorePath, boolean>();

  constructor(parts: WitnessParts) {
    this.#parts = parts;
    this.#began = Math.floor(parts.clock.now().getTime() / 1000) - justNow;
  }

  /** What the ledger is to say; null when this connection has recorded the path before. Throws a refusal. */
  async see(
    { path, uploader }: WitnessMessage,
    ask: (question: (client: WorkerClient) => Promise<PathInfo | null>) => Promise<PathInfo | null>,
  ): Promise<LedgerRecord | null> {
    const { files, clock, directory, upstream } = this.#parts;
    const before = this.#seen.get(path);
    if (before === true) return null;
    if (before === false) throw new GateRefusal("not-new", `${path} was asked about before`);
    if (this.#seen.size >= mostPaths)
      throw new GateRefusal("too-many", `${mostPaths} paths were asked about on one connection`);
    this.#seen.set(path, false);
    if (await growsTooFast(files, directory, clock.now()))
      throw new GateRefusal(
        "too-many",
        "the ledger has grown too much since yesterday to take what no warrant names",
        "on the host, see who sends so much: journalctl -t nixseal-receive",
      );
    const info = await ask((client) => lookUp(client, path)).catch((error: unknown) => {
      this.#seen.delete(path); // Nix has said nothing of it: it may be asked about again
      throw error;
    });
    if (info === null) throw new GateRefusal("not-new", `${path} is not in the store`);
    if (!this.#isNew(info))
      throw new GateRefusal("not-new", `${path} was in the store before this connection`);
    const origin = originOf(info, upstream, uploader === null ? null : { ...uploader, serial: null });
    if (origin === null)
      throw new GateRefusal("origin", `nothing that this host knows proves where ${path} is from`);
    this.#seen.set(path, true);
    // Who is named as its deriver nobody has signed.
    return { ...info, deriver: null, event: "added", origin };
  }

  /** Whether Nix took the path for this connection and nothing was recorded about it; from now on there was. */
  isFirst(info: PathInfo): boolean {
    if (this.#seen.get(info.path) === true || !this.#isNew(info)) return false;
    this.recorded(info.path);
    return true;
  }

  /** The ledger knows it from this connection, whatever it came by. */
  recorded(path: StorePath): void {
    this.#seen.set(path, true);
  }

  #isNew({ registrationTime }: PathInfo): boolean {
    const now = this.#parts.clock.now().getTime() / 1000;
    return registrationTime !== null && registrationTime >= this.#began && registrationTime <= now;
  }
}

function originOf(info: PathInfo, upstream: readonly PublicKey[], uploader: Actor | null): Origin | null {
  const candidates = info.signatures.filter(({ name }) => upstream.some((key) => key.name === name));
  const signature = signedBy({ ...info, signatures: candidates.slice(0, mostSignatures) }, upstream);
  if (signature !== undefined) return { kind: "upstream", signature, uploader };
  const { contentAddress: address } = info;
  if (address === null || !isContentAddressed(info)) return null;
  return { kind: "content-address", address, uploader };
}
