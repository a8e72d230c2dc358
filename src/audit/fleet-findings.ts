import { at, NixsealError } from "../core/errors.ts";
import type { Finding } from "../core/finding.ts";
import { checkFleet } from "../inventory/check.ts";
import { loadFleet } from "../inventory/load.ts";
import { fleetFileName } from "../inventory/sources.ts";
import { checkStore } from "../secrets/store/check-store.ts";
import type { Area } from "./checks/check.ts";
import type { Target } from "./target/target.ts";
import { targetFiles, targetRoot } from "./target/target-files.ts";

/** What `fleet check` and `secrets check` say of the target, when it is a fleet. */
export async function fleetFindings(target: Target, areas: readonly Area[], now: Date): Promise<Finding[]> {
  if (target.singleFile || !target.entries.some(({ path }) => path === fleetFileName)) return [];
  const files = targetFiles(target);
  const findings: Finding[] = [];
  if (areas.includes("trust"))
    findings.push(
      ...(await orBroken("fleet-unreadable", async () => (await checkFleet(files, targetRoot)).findings)),
    );
  if (areas.includes("secrets"))
    findings.push(
      ...(await orBroken("secrets-unchecked", async () =>
        checkStore(files, targetRoot, await loadFleet(files, targetRoot), now),
      )),
    );
  return findings.map((finding) => ({
    ...finding,
    file: finding.file === undefined ? undefined : withoutRoot(finding.file),
    hint: finding.hint?.replaceAll(`${targetRoot}/`, ""),
  }));
}

/** A fleet that cannot be read is a finding of the highest weight: none of its secrets was looked at. */
async function orBroken(id: string, work: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await work();
  } catch (cause) {
    const error = at(cause, { file: fleetFileName });
    if (!(error instanceof NixsealError)) throw error;
    const { file = fleetFileName, line, column } = error.where ?? {};
    return [
      {
        id,
        severity: "high",
        verdict: "unknown",
        file,
        line,
        column,
        message: error.message,
        hint: error.hint,
      },
    ];
  }
}

function withoutRoot(file: string): string {
  return file.startsWith(`${targetRoot}/`) ? file.slice(targetRoot.length + 1) : file;
}
