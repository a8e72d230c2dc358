/** What the gate has accepted: read and written as one, so that nobody decides on half of it. */
import { NixsealError } from "../core/errors.ts";
import type { Files } from "../core/file-ports.ts";
import type { Clock } from "../core/ports.ts";
import { effectiveTime } from "../trust/root/decide.ts";
import {
  formatWarrantState,
  nothingAccepted,
  parseWarrantState,
  type WarrantState,
} from "../trust/warrant/state.ts";
import { readChecked, writeChecked } from "./checked-file.ts";
import type { GateConfig } from "./config.ts";
import type { GatePaths } from "./paths.ts";
import { readGateTrust, trustFloor, writeGateTrust, type GateTrust } from "./trust.ts";

export interface GateKnowledge {
  readonly trust: GateTrust;
  readonly accepted: WarrantState;
}

const largest = 512 << 10;

/**
 * For deciding, here and (by the deploy user, who may read it) at an upload. `malformed` when a file is damaged and `refused` when one
 * of two is gone: what cannot be read must not count as nothing accepted.
 */
export async function readKnowledge(
  files: Pick<Files, "read" | "statusOfLink">,
  paths: GatePaths,
  config: Pick<GateConfig, "fleet">,
): Promise<GateKnowledge> {
  const accepted = await readChecked(files, paths.accepted, largest, parseWarrantState);
  if (accepted !== null && (await files.statusOfLink(paths.trust)) === null)
    throw new NixsealError("refused", "the accepted root is gone, while accepted warrants are not", {
      hint: "restore it from a backup; to begin anew, remove the state directory",
      where: { file: paths.trust },
    });
  return { trust: await readGateTrust(files, paths, config), accepted: accepted ?? nothingAccepted };
}

/** Trust first: accepted warrants without the root that they were accepted under are refused as damage. */
export async function writeKnowledge(
  files: Pick<Files, "writeAtomic">,
  paths: GatePaths,
  { trust, accepted }: GateKnowledge,
): Promise<void> {
  await writeGateTrust(files, paths, trust);
  await writeChecked(files, paths.accepted, formatWarrantState(accepted));
}

/** The time to decide at: setting the clock back revives neither an order nor a certificate. */
export function gateTime(clock: Pick<Clock, "now">, { trust, accepted }: GateKnowledge): Date {
  return effectiveTime(clock.now(), trustFloor(trust, accepted.floor));
}
