import type { Clock, Processes } from "../../core/ports.ts";
import { fingerprint } from "../../nix/fingerprint.ts";
import type { GateConfig } from "../config.ts";
import type { LedgerEntry } from "../ledger/entry.ts";
import type { AreInStore } from "../ledger/take-in.ts";
import type { GatePaths } from "../paths.ts";
import { openStoreAccess } from "../store-access.ts";
import { lookUp } from "./import-path.ts";

/** Asks Nix on a connection of its own: those that are there with all that a signature covers as the entry says it. */
export function areInStore(
  ports: { readonly processes: Pick<Processes, "converse">; readonly clock: Pick<Clock, "sleep"> },
  paths: Pick<GatePaths, "store">,
  config: Pick<GateConfig, "storeDirectory">,
): AreInStore {
  return async (entries) => {
    const access = await openStoreAccess(ports, paths, config);
    try {
      const there: LedgerEntry[] = [];
      for (const entry of entries) {
        const found = await lookUp(access.client, entry.path);
        if (found !== null && fingerprint(found) === fingerprint(entry)) there.push(entry);
      }
      return there;
    } finally {
      access.close();
    }
  };
}
