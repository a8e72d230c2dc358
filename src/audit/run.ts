import { NixsealError } from "../core/errors.ts";
import { Audit } from "./audit.ts";
import { checks } from "./checks/all.ts";
import { areas, type Area } from "./checks/check.ts";
import { unreadable } from "./checks/own.ts";
import { fleetFindings } from "./fleet-findings.ts";
import { limits } from "./limits.ts";
import type { Report } from "./report.ts";
import type { Target } from "./target/target.ts";
import { applyWaivers } from "./waivers/apply.ts";
import { parseWaivers, waiversFileName, type Waiver } from "./waivers/waivers-file.ts";

/** Everything that is to be said about a target. `progress` is told how many files are done. */
export async function auditTarget(
  target: Target,
  chosen: readonly Area[],
  now: Date,
  progress: (done: number) => void,
): Promise<Pick<Report, "only" | "findings" | "waived" | "checks" | "coverage">> {
  const audit = new Audit(
    checks.filter((check) => check.areas.some((area) => chosen.includes(area))),
    now,
  );
  const coverage = await audit.run(target, progress);
  for (const finding of await fleetFindings(target, chosen, now)) audit.findings.take(finding);
  const waivers = await waiversOf(target, audit);
  const { findings, waived } = applyWaivers(audit.findings, waivers, now, chosen.length === areas.length);
  return { only: chosen, findings, waived, checks: audit.findings.results(), coverage };
}

/** The waivers of the target. A file that is not understood waives nothing, and is a finding itself. */
async function waiversOf(target: Target, audit: Audit): Promise<Waiver[]> {
  const entry = target.entries.find(({ path, kind }) => path === waiversFileName && kind === "file");
  if (entry === undefined) return [];
  try {
    return parseWaivers(await target.read(entry, limits.waiversFile));
  } catch (error) {
    if (!(error instanceof NixsealError)) throw error;
    audit.findings.add(
      unreadable,
      waiversFileName,
      { line: error.where?.line, unknown: true, message: `nothing is waived: ${error.message}` },
      error.message,
    );
    return [];
  }
}
