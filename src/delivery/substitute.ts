import type { StorePath } from "../nix/store-path.ts";
import { NixsealError } from "../core/errors.ts";
import type { HostWorld } from "./importer.ts";

/** Milliseconds, of one batch: a large system over a slow line. */
const patience = 2 * 3600_000;
const batch = 256;

/**
 * Has Nix fetch what the host's own caches have, by the host's own keys. What comes is compared with the order like everything else, so
 * that a failure is no fault here: what is still missing comes from the delivery.
 */
export async function substitute(
  { processes, paths }: Pick<HostWorld, "processes" | "paths">,
  wanted: readonly StorePath[],
  say: (message: string) => void,
): Promise<void> {
  const store = paths.store === null ? [] : ["--store", paths.store];
  for (let at = 0; at < wanted.length; at += batch) {
    const some = wanted.slice(at, at + batch);
    try {
      const { code, stderr } = await processes.run({
        program: "nix-store",
        // Nothing is built: what comes out of that, nobody signed.
        args: [...store, "--realise", "--ignore-unknown", "--keep-going", "--max-jobs", "0", "--", ...some],
        timeout: patience,
      });
      if (code !== 0) say(`not all came from the host's caches: ${stderr.trim().split("\n").at(-1) ?? ""}`);
    } catch (error) {
      if (!(error instanceof NixsealError) || error.code !== "timeout") throw error;
      say("the host's caches took too long");
      return;
    }
  }
}
