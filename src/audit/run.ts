import { NixsealError } from "../core/errors.ts";
import { Audit } from "./audit.ts";
import { checks } from "./checks/all.ts";
import { areas, isArea, type AuditArea } from "./checks/check.ts";
import { unreadable } from "./checks/own.ts";
import { applyEvaluation } from "./evaluation/apply.ts";
import type { EvaluatedHost } from "./evaluation/evaluate-hosts.ts";
import { evaluatedOptions } from "./evaluation/options.ts";
import { hostQuestions } from "./evaluation/whole.ts";
import { Findings } from "./findings.ts";
import { fleetFindings } from "./fleet-findings.ts";
import { limits } from "./limits.ts";
import { noFiles, type Found } from "./report.ts";
import type { Target } from "./target/target.ts";
import type { Vulnerabilities } from "./vulnerabilities.ts";
import { applyWaivers } from "./waivers/apply.ts";
import { parseWaivers, waiversFileName, type Waiver } from "./waivers/waivers-file.ts";

export interface AuditQuestion {
  readonly only: readonly AuditArea[];
  readonly now: Date;
  /** Told how many files are done. */
  readonly progress: (done: number) => void;
  /** What the advisories say of the target; null when nobody asked. */
  readonly vulnerabilities: Vulnerabilities | null;
  /** Evaluates the hosts of the target for these options; null when nobody asked. */
  readonly evaluate?: ((options: readonly string[]) => Promise<readonly EvaluatedHost[]>) | null;
}

/** Everything that is to be said about files. */
export async function auditTarget(
  target: Target,
  { only, now, progress, vulnerabilities, evaluate = null }: AuditQuestion,
): Promise<Found> {
  const chosen = only.filter(isArea);
  const wanted = checks.filter((check) => check.areas.some((area) => chosen.includes(area)));
  const audit = new Audit(wanted, now);
  const coverage = chosen.length === 0 ? noFiles : await audit.run(target, progress);
  if (evaluate !== null && wanted.length > 0) {
    const asked = evaluatedOptions(wanted);
    const options = new Set([...asked.keys(), ...hostQuestions.flatMap((question) => question.options)]);
    applyEvaluation(audit.findings, await evaluate([...options]), asked, wanted);
  }
  for (const finding of await fleetFindings(target, chosen, now)) audit.findings.take(finding);
  const waivers = await waiversOf(target, audit.findings);
  const whole = chosen.length === areas.length;
  const parted = applyWaivers(audit.findings, vulnerabilities?.findings ?? [], waivers, now, whole);
  return {
    only,
    ...parted,
    checks: audit.findings.results(),
    coverage,
    vulnerabilities: vulnerabilities?.answer ?? null,
  };
}

/** Everything that is to be said about a closure. `waivers` is the text of a file of waivers, null where there is none. */
export function auditPackages(
  vulnerabilities: Vulnerabilities,
  waivers: Uint8Array | null,
  now: Date,
): Found {
  const findings = new Findings();
  const given = waivers === null ? [] : parsedWaivers(waivers, findings);
  return {
    only: ["vulnerabilities"],
    ...applyWaivers(findings, vulnerabilities.findings, given, now, false),
    checks: findings.results(),
    coverage: noFiles,
    vulnerabilities: vulnerabilities.answer,
  };
}

/** The waivers of the target. A file that is not understood waives nothing, and is a finding itself. */
async function waiversOf(target: Target, findings: Findings): Promise<Waiver[]> {
  const entry = target.entries.find(({ path, kind }) => path === waiversFileName && kind === "file");
  if (entry === undefined) return [];
  try {
    return parsedWaivers(await target.read(entry, limits.waiversFile), findings);
  } catch (error) {
    return nothingWaived(error, findings);
  }
}

function parsedWaivers(bytes: Uint8Array, findings: Findings): Waiver[] {
  try {
    return parseWaivers(bytes);
  } catch (error) {
    return nothingWaived(error, findings);
  }
}

function nothingWaived(error: unknown, findings: Findings): Waiver[] {
  if (!(error instanceof NixsealError)) throw error;
  findings.add(
    unreadable,
    waiversFileName,
    { line: error.where?.line, unknown: true, message: `nothing is waived: ${error.message}` },
    error.message,
  );
  return [];
}
