import { waiverExpired, waiverVoid } from "../checks/own.ts";
import type { Findings } from "../findings.ts";
import type { AuditFinding, WaivedFinding } from "../report.ts";
import { waiversFileName, type Waiver } from "./waivers-file.ts";

/** Parts what was found into what counts and what is waived. Expired waivers, and those that fit nothing, are findings. */
export function applyWaivers(
  findings: Findings,
  waivers: readonly Waiver[],
  now: Date,
  whole: boolean,
): { findings: AuditFinding[]; waived: WaivedFinding[] } {
  const today = now.toISOString().slice(0, 10);
  const found = findings.list();
  const present = new Set(found.map(({ fingerprint }) => fingerprint));
  const valid = new Map<string, Waiver>();
  for (const waiver of waivers) {
    const { finding, until, owner, check, file, line } = waiver;
    if (until < today)
      findings.add(
        waiverExpired,
        waiversFileName,
        { line, message: `the waiver of ${check} in ${file} by ${owner} has expired on ${until}` },
        finding,
      );
    else if (present.has(finding)) valid.set(finding, waiver);
    else if (whole)
      findings.add(
        waiverVoid,
        waiversFileName,
        { line, message: `the waiver of ${check} in ${file} by ${owner} fits nothing that was found` },
        finding,
      );
  }
  const waived = found.flatMap((finding) => {
    const waiver = valid.get(finding.fingerprint);
    if (waiver === undefined) return [];
    return [{ ...finding, waiver: { owner: waiver.owner, until: waiver.until, because: waiver.because } }];
  });
  return { findings: findings.list().filter(({ fingerprint }) => !valid.has(fingerprint)), waived };
}
