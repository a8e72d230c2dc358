/** What became of one target in a round. Pure. */
import type { Report } from "../../audit/report.ts";
import { changeOf, compareFindings, failureOf } from "../../audit/round/changes.ts";
import type { Change, KnownTarget } from "../../audit/round/memory.ts";
import type { RoundTarget } from "../../audit/round/targets-file.ts";
import type { NixsealError } from "../../core/errors.ts";
import type { RoundResult } from "./round-view.ts";

export interface Outcome {
  readonly known: KnownTarget;
  readonly change: Change | null;
  readonly result: RoundResult;
}

/** A report that was made anew. `maxAge` in seconds. */
export function audited(
  { name, target }: RoundTarget,
  before: KnownTarget | null,
  report: Report,
  key: string,
  now: string,
  maxAge: number,
): Outcome {
  const comparison = compareFindings(before, report.findings, now);
  const stale = report.vulnerabilities?.state === "stale";
  const { failing } = report;
  const { findings } = comparison;
  const until = untilOf(report, now, maxAge);
  const known: KnownTarget = { name, target, key, at: now, until, failing, stale, findings, error: null };
  const count = (verdict: string): number => report.findings.filter((one) => one.verdict === verdict).length;
  const isAffected = ({ verdict }: { readonly verdict: string }): boolean => verdict === "affected";
  const counts = {
    affected: count("affected"),
    unknown: count("unknown"),
    failing,
    new: comparison.appeared.filter(isAffected).length,
    gone: comparison.gone.filter(isAffected).length,
  };
  return {
    known,
    change: changeOf(name, before, comparison, report, now),
    result: { name, target, state: "audited", ...counts, stale, error: null },
  };
}

/** The day on which a waiver ends, or advisories go out of date, is one on which the answer changes by itself. */
function untilOf({ waived, vulnerabilities }: Report, now: string, maxAge: number): string {
  const ends = [
    new Date(new Date(now).getTime() + maxAge * 1000).toISOString(),
    ...waived.map(({ waiver }) => `${waiver.until}T23:59:59.999Z`),
    ...(vulnerabilities?.state === "current" && vulnerabilities.feed !== null
      ? [vulnerabilities.feed.expires]
      : []),
  ];
  return ends.sort()[0]!;
}

export function unchanged({ name, target }: RoundTarget, known: KnownTarget): Outcome {
  const affected = known.findings.filter(({ verdict }) => verdict === "affected").length;
  const { failing, stale } = known;
  const counts = { affected, unknown: known.findings.length - affected, failing, new: 0, gone: 0 };
  return { known, change: null, result: { name, target, state: "unchanged", ...counts, stale, error: null } };
}

/** What was found before still stands in its report; that it may be old is said. */
export function failed(
  { name, target }: RoundTarget,
  before: KnownTarget | null,
  error: NixsealError,
  now: string,
): Outcome {
  const said = error.hint === undefined ? error.message : `${error.message}; ${error.hint}`;
  const nothing = { key: "", at: "", until: "", failing: 0, stale: false, findings: [] };
  const known: KnownTarget = { ...nothing, ...before, name, target, error: said };
  const affected = known.findings.filter(({ verdict }) => verdict === "affected").length;
  const counts = {
    affected,
    unknown: known.findings.length - affected,
    failing: known.failing,
    new: 0,
    gone: 0,
  };
  const problem = {
    code: error.code,
    message: error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  };
  return {
    known,
    change: failureOf(name, before, said, now),
    result: { name, target, state: "failed", ...counts, stale: known.stale, error: problem },
  };
}
