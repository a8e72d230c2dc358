/** Which findings are worth a notice, and since when each is known. Pure. */
import { severities, type Severity } from "../core/finding.ts";
import { printable } from "../audit/printable.ts";
import type { VulnerabilityFinding } from "../audit/match/finding.ts";
import { noticeLimits, type Notice } from "./notices.ts";

export interface Selected {
  readonly notices: readonly Notice[];
  readonly more: number;
}

export function selectNotices(
  findings: readonly VulnerabilityFinding[],
  before: readonly Notice[],
  minimum: Severity,
  checked: string,
): Selected {
  const known = new Map(before.map((notice) => [keyOf(notice), notice.since]));
  const least = severities.indexOf(minimum);
  const worth = findings.filter(
    ({ verdict, severity, exploited, mayAct }) =>
      verdict === "affected" && (severities.indexOf(severity) >= least || exploited !== null || mayAct),
  );
  // What hosts may act on comes first, whatever its score: it must not be cut off.
  const sorted = [...worth.filter(({ mayAct }) => mayAct), ...worth.filter(({ mayAct }) => !mayAct)];
  const notices = sorted.slice(0, noticeLimits.notices).map((finding): Notice => {
    const notice = {
      advisory: shown(finding.id),
      package: shown(finding.package),
      version: shown(finding.version),
      severity: finding.severity,
      message: shown(finding.message),
      hint: finding.hint === undefined ? null : shown(finding.hint),
      exploited: finding.exploited !== null,
      mayAct: finding.mayAct,
    };
    const since = known.get(keyOf(notice));
    return { ...notice, since: since ?? checked, new: since === undefined };
  });
  return { notices, more: sorted.length - notices.length };
}

/** What makes a notice the same as an earlier one. A new version that is affected too is nothing new. */
export function keyOf(notice: Pick<Notice, "advisory" | "package">): string {
  return `${notice.advisory} ${notice.package}`;
}

/** Whatever reads the file later: there is nothing in it that moves a cursor or turns text around. */
function shown(text: string): string {
  return printable(text, noticeLimits.text);
}
