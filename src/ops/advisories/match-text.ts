import type { Finding } from "../../core/finding.ts";
import { printable } from "../../audit/printable.ts";
import type { Coverage } from "../../audit/match/audit-closure.ts";
import type { Paint } from "../op.ts";

interface Matched {
  readonly findings: readonly Finding[];
  readonly coverage: Coverage | null;
  readonly outOfRange: number;
  readonly stale: string | null;
}

/**
 * Each finding with its evidence, then how much the answer is worth. An index may be anybody's: nothing of it reaches the
 * terminal as it is.
 */
export function matchText({ findings, coverage, outOfRange, stale }: Matched, paint: Paint): string {
  const lines = findings.flatMap(({ id, severity, verdict, message, evidence, hint }) => [
    `${verdictText(verdict, severity, paint)} ${printable(message)} [${printable(id)}]`,
    ...(evidence === undefined ? [] : [paint.weak(`  evidence: ${printable(evidence, 600)}`)]),
    ...(hint === undefined ? [] : [paint.weak(`  hint: ${printable(hint)}`)]),
  ]);
  const count = (verdict: string): number => findings.filter((finding) => finding.verdict === verdict).length;
  const sum = `${count("affected")} affected, ${count("unknown")} unknown, ${count("not-affected") + outOfRange} not affected`;
  const worth =
    coverage === null
      ? "a lock says nothing about packages"
      : `the advisories know ${coverage.known} of ${coverage.packages} packages (${coverage.percent} %)`;
  const tail =
    stale === null
      ? []
      : [paint.bad(`STALE: the advisories are out of date since ${stale}; nothing here means clean`)];
  return [...lines, ...(lines.length === 0 ? [] : [""]), `${sum}; ${worth}`, ...tail].join("\n");
}

function verdictText(verdict: Finding["verdict"], severity: Finding["severity"], paint: Paint): string {
  if (verdict === "affected") return paint.bad(`affected (${severity})`);
  return verdict === "unknown" ? paint.strong(`unknown (${severity})`) : paint.good("not affected");
}
