/** Every check of a host, each on its own: one that cannot be made says so and keeps no other from being made. */
import type { AttackName } from "./attack/names.ts";
import { bySeverity, unknownWhenFailed, type DoctorFinding, type Findings } from "./finding.ts";
import { checkAccount } from "./groups.ts";
import type { DoctorHost } from "./host.ts";
import { checkModes } from "./modes.ts";
import { checkNix } from "./nix/check.ts";
import { checkSsh } from "./ssh/check.ts";
import { checkAnchor, checkLedger, checkSystem, checkTrust } from "./state/check.ts";
import { checkSudo } from "./sudo/check.ts";

interface Check {
  readonly id: string;
  readonly enables: readonly AttackName[];
  readonly run: (host: DoctorHost) => Findings;
}

export const checks: readonly Check[] = [
  { id: "nix", enables: ["planting", "laundering", "content-addressed"], run: checkNix },
  { id: "sudo-rules", enables: ["wildcard-sudo"], run: checkSudo },
  { id: "ssh", enables: ["planting"], run: checkSsh },
  { id: "deploy-user", enables: ["planting"], run: checkAccount },
  { id: "file-modes", enables: ["symlink"], run: checkModes },
  { id: "anchor", enables: [], run: checkAnchor },
  { id: "trust", enables: ["revoked", "expired", "replayed", "downgraded", "frozen"], run: checkTrust },
  { id: "system", enables: ["planting"], run: checkSystem },
  { id: "ledger", enables: [], run: checkLedger },
];

export async function examine(host: DoctorHost): Promise<DoctorFinding[]> {
  const findings: DoctorFinding[] = [];
  for (const { id, enables, run } of checks)
    for await (const finding of unknownWhenFailed(id, enables, run(host))) findings.push(finding);
  return findings.sort(bySeverity);
}
