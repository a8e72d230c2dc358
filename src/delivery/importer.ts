/** What a delivery brings, on the same way into the store as an upload: quarantine, then the root side. */
import { NixsealError } from "../core/errors.ts";
import type { Files } from "../core/file-ports.ts";
import type { Clock, Processes, Random, Sockets } from "../core/ports.ts";
import type { GateConfig } from "../gate/config.ts";
import type { GatePaths } from "../gate/paths.ts";
import { Quarantine } from "../gate/quarantine/quarantine.ts";
import { sweep } from "../gate/quarantine/sweep.ts";
import { ImportQueue } from "../gate/receive/import-queue.ts";
import { connectRootSide, type RootConnection } from "../gate/receive/root-side.ts";
import { openStoreAccess } from "../gate/store-access.ts";
import type { StorePath } from "../nix/store-path.ts";
import { claimOf, type ClosurePath } from "../trust/warrant/closure.ts";

export interface HostWorld {
  readonly files: Files;
  readonly clock: Clock;
  readonly processes: Processes;
  readonly random: Random;
  readonly sockets: Sockets;
  readonly config: GateConfig;
  readonly paths: GatePaths;
  /** This program's own command line, to start the root side where there is no socket. */
  readonly program: readonly string[];
}

/** As the receiving side has it: bytes that stay free on the disk. */
const reserve = 256 << 20;
const mostEntries = 100_000;

export function rootSide(world: HostWorld): () => Promise<RootConnection> {
  return () => connectRootSide(world, { root: world.paths.root, program: world.program });
}

/** Of the closure's paths those that the store lacks, or holds with something else than was ordered. */
export async function missingPaths(
  world: HostWorld,
  closure: readonly ClosurePath[],
): Promise<Map<StorePath, ClosurePath>> {
  const access = await openStoreAccess(world, world.paths, world.config);
  const { client } = access;
  try {
    const valid = new Set(await client.queryValidPaths(closure.map(({ path }) => path)));
    const missing = new Map<StorePath, ClosurePath>();
    for (const wanted of closure) {
      // Only of valid ones: to a question about a path that is not there, Nix remembers the "no" for an hour.
      const info = valid.has(wanted.path) ? await client.queryPathInfo(wanted.path) : null;
      if (info === null || claimOf(info) !== claimOf(wanted)) missing.set(wanted.path, wanted);
    }
    return missing;
  } finally {
    access.close();
  }
}

export class Importer {
  readonly #quarantine: Quarantine;
  readonly #queue: ImportQueue;
  readonly #world: HostWorld;
  #count = 0;

  constructor(world: HostWorld) {
    const { bytes } = world.config.quarantine;
    this.#world = world;
    this.#quarantine = new Quarantine(world, world.paths.quarantine, {
      bytes,
      entries: mostEntries,
      reserve,
    });
    this.#queue = new ImportQueue({
      quarantine: this.#quarantine,
      connect: rootSide(world),
      clock: world.clock,
      done: () => this.#count++,
    });
  }

  /** Takes away what killed runs left. */
  async prepare(): Promise<void> {
    await this.#quarantine.prepare();
    await sweep(this.#world, this.#quarantine, this.#world.config.quarantine.days);
  }

  /** After the paths that it refers to. Resolves when the archive lies in the quarantine; the next may come meanwhile. */
  async add(path: ClosurePath, nar: AsyncIterable<Uint8Array>): Promise<void> {
    this.#queue.check();
    const info = { ...path, deriver: null, signatures: [], registrationTime: null, ultimate: false };
    const arrived = await this.#quarantine.receive(info, nar, null);
    await this.#queue.add(arrived, { kind: "import", bytes: null, path: path.path, uploader: null });
  }

  /** How many are in the store now. Throws why one was not imported. */
  async end(): Promise<number> {
    await this.#queue.end();
    return this.#count;
  }

  /** After an error: what was under way is finished, and nothing is thrown. */
  async abandon(): Promise<void> {
    await this.#queue.end().catch((error: unknown) => {
      if (!(error instanceof NixsealError)) throw error;
    });
  }
}
