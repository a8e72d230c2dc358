/** What `doctor` says about a host. */
import { NixsealError } from "../core/errors.ts";
import { severities, type Finding } from "../core/finding.ts";
import type { AttackName } from "./attack/names.ts";

/** `verdict` is `affected`, or `unknown` where it could not be told: that is never counted as well. */
export interface DoctorFinding extends Finding {
  readonly verdict: "affected" | "unknown";
  /** The attacks of the lab that this is a precondition of. */
  readonly enables: readonly AttackName[];
  readonly hint: string;
}

export type Findings = AsyncGenerator<DoctorFinding> | Generator<DoctorFinding>;

/** Worst first; what could not be told after what holds. */
export function bySeverity(a: DoctorFinding, b: DoctorFinding): number {
  return (
    severities.indexOf(b.severity) - severities.indexOf(a.severity) ||
    Number(a.verdict === "unknown") - Number(b.verdict === "unknown") ||
    (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
  );
}

/** A check that fails has not found the host well: its error becomes a finding. Our own mistakes stay errors. */
export async function* unknownWhenFailed(
  id: string,
  enables: readonly AttackName[],
  findings: Findings,
): AsyncGenerator<DoctorFinding> {
  try {
    yield* findings;
  } catch (error) {
    if (!(error instanceof NixsealError) || error.code === "bug") throw error;
    yield {
      id,
      severity: "medium",
      verdict: "unknown",
      file: error.where?.file,
      line: error.where?.line,
      message: `could not be checked: ${error.message}`,
      enables,
      hint: error.hint ?? "run it as root on the host",
    };
  }
}
