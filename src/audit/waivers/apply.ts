import { waiverExpired, waiverVoid } from "../checks/own.ts";
import type { Findings } from "../findings.ts";
import type { AuditFinding, WaivedFinding } from "../report.ts";
import { waiversFileName, type Waiver } from "./waivers-file.ts";

/**
 * Parts what was found into what counts and what is waived. Expired waivers are findings, and with `whole` those that fit
 * nothing too; of vulnerabilities nobody can say so, since the package may be in the closure of another host.
 */
export function applyWaivers(
  findings: Findings,
  vulnerabilities: readonly AuditFinding[],
  waivers: readonly Waiver[],
  now: Date,
  whole: boolean,
): { findings: AuditFinding[]; waived: WaivedFinding[] } {
  const today = now.toISOString().slice(0, 10);
  const found = [...findings.list(), ...vulnerabilities];
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
    else if (whole && isOfCheck(check))
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
  const counting = [...findings.list(), ...vulnerabilities].filter(
    ({ fingerprint }) => !valid.has(fingerprint),
  );
  return { findings: counting, waived };
}

/** Checks have short identifiers of ours or words; advisories have those of their databases: CVE-2026-1, GHSA-…, TEAM-1. */
function isOfCheck(check: string): boolean {
  return /^[A-Z]{2,3}[0-9]{3}$/.test(check) || /^[a-z-]+$/.test(check);
}
