/** The host's Nix store, through Nix's own daemon: whoever asks is as trusted there as its user is. */
import type { Clock, Processes } from "../core/ports.ts";
import { WorkerClient } from "../nix/protocol/worker-client.ts";
import type { GateConfig } from "./config.ts";
import type { GatePaths } from "./paths.ts";

export interface StoreAccess {
  readonly client: WorkerClient;
  /** Ends the program; what was written to the store stays. */
  close(): void;
}

/** Milliseconds. Nix says nothing while it writes a large path to a slow disk, or waits for another who adds the same one. */
const patience = 15 * 60_000;
const waits = { idle: patience, waiting: 24 * 3600_000 };

/**
 * `nix-daemon --stdio` passes on to the daemon where there is one and serves the store itself where there is none: as root, and with
 * the directory of a chroot store. Throws `not-found` where Nix is not installed.
 */
export async function openStoreAccess(
  {
    processes,
    clock,
  }: { readonly processes: Pick<Processes, "converse">; readonly clock: Pick<Clock, "sleep"> },
  { store }: Pick<GatePaths, "store">,
  { storeDirectory }: Pick<GateConfig, "storeDirectory">,
): Promise<StoreAccess> {
  const args = ["--stdio", ...(store === null ? [] : ["--store", store])];
  const port = processes.converse({ program: "nix-daemon", args, timeout: patience });
  try {
    const client = await WorkerClient.open({ port, clock, directory: storeDirectory, limits: waits });
    return { client, close: () => port.kill() };
  } catch (error) {
    port.kill();
    throw error;
  }
}
