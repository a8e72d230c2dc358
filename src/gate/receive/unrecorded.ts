import type { NixsealError } from "../../core/errors.ts";
import type { StorePath } from "../../nix/store-path.ts";
import type { GateLog } from "./log.ts";

/**
 * Tells of paths that are in the store and not in the ledger: each in the journal, and the first to whoever sends, since the reason is
 * mostly the same. An upload is not refused for it: what was asked for is done.
 */
export function tellUnrecorded({
  log,
  say,
}: {
  readonly log: GateLog;
  readonly say: (text: string) => void;
}): (path: StorePath, why: NixsealError) => void {
  let count = 0;
  return (path, { message }) => {
    log({ event: "not recorded", path, reason: message });
    if (++count > 1) return;
    say(`${path} is in the store, but the ledger does not say where it is from: ${message}\n`);
  };
}
