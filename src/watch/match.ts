/** The running system against the advisories. */
import type { Files } from "../core/file-ports.ts";
import type { Processes } from "../core/ports.ts";
import { NixsealError } from "../core/errors.ts";
import { auditClosure, type VulnerabilityReport } from "../audit/match/audit-closure.ts";
import { packagesOfList } from "../audit/packages/from-paths.ts";
import { requisites, storePathOf } from "./closure.ts";
import type { OpenedFeed } from "./feed.ts";

export interface Matched {
  readonly system: string;
  readonly report: VulnerabilityReport;
  /** Whether a closure of these paths has nothing that hosts may act on. */
  readonly isRid: (paths: readonly string[]) => boolean;
}

/** The closure of /run/current-system, and the kernel that was booted: after an update the old one runs until a reboot. */
export async function matchSystem(
  ports: { readonly files: Pick<Files, "readLink">; readonly processes: Pick<Processes, "run"> },
  root: string,
  { set, now }: OpenedFeed,
): Promise<Matched> {
  const system = await storePathOf(ports, `${root}/run/current-system`);
  if (system === null)
    throw new NixsealError("not-found", "/run/current-system leads to no system", {
      hint: "this is for a running NixOS",
    });
  const booted = await storePathOf(ports, `${root}/run/booted-system`);
  const kernel = booted === null ? null : await storePathOf(ports, `${root}${booted}/kernel`);
  const paths = (await requisites(ports, root, [system])).split("\n").filter((line) => line !== "");
  const all = kernel === null ? paths : [...paths, kernel];
  const audit = (list: readonly string[]): VulnerabilityReport =>
    auditClosure(packagesOfList([...list, ""].join("\n")), set, now);
  return {
    system,
    report: audit(all),
    isRid: (closure) => !audit(closure).findings.some(({ mayAct }) => mayAct),
  };
}
