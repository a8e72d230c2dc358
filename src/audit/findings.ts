import { severities, type Finding, type Severity } from "../core/finding.ts";
import type { CheckInfo, Hit } from "./checks/check.ts";
import { Fingerprints, withoutSecret } from "./fingerprint.ts";
import { limits } from "./limits.ts";
import { printable } from "./printable.ts";
import { inOrder, type AuditFinding, type CheckResult } from "./report.ts";

export function rankOf(severity: Severity): number {
  return severities.indexOf(severity);
}

interface Count {
  affected: number;
  unknown: number;
  notAffected: number;
}

/** Where the source sets an option that a check found something about. */
export interface OptionPlace {
  readonly check: string;
  readonly path: readonly string[];
  /** The source alone does not decide: the value is not known, or it holds under a condition. */
  readonly open: boolean;
  readonly fingerprint: string;
}

/** Collects what checks say and counts it; beyond the limits it only counts. */
export class Findings {
  readonly #fingerprints = new Fingerprints();
  readonly #found: AuditFinding[] = [];
  readonly #counts = new Map<string, Count>();
  readonly #inFile = new Map<string, number>();
  readonly #listed = new Map<Severity, number>();
  readonly #places: OptionPlace[] = [];

  /**
   * A finding of a check. `flagged` is the text that it is about; a secret in it leaves no trace in the finding.
   * What could not be told has the severity `info`: it fails no audit, unless it is asked to.
   */
  add(
    check: CheckInfo,
    file: string | undefined,
    hit: Hit,
    flagged: string,
    option?: Pick<OptionPlace, "path" | "open">,
  ): void {
    const verdict = hit.unknown === true ? "unknown" : "affected";
    this.#count(check.id)[verdict]++;
    const isOpen = verdict === "unknown" && check.id !== "AUD001" && check.id !== "AUD002";
    const severity = isOpen ? "info" : (hit.severity ?? check.severity);
    // Counted for each severity: what cannot be told, and fails no audit, must not keep what counts off the list.
    const place = `${check.id}\0${file ?? ""}\0${severity}`;
    const inFile = (this.#inFile.get(place) ?? 0) + 1;
    this.#inFile.set(place, inFile);
    const listed = (this.#listed.get(severity) ?? 0) + 1;
    if (inFile > limits.findings || listed > limits.report) return;
    this.#listed.set(severity, listed);
    const text = hit.secret === undefined ? flagged : withoutSecret(flagged, hit.secret);
    const fingerprint = this.#fingerprints.of(check.id, file ?? "", text);
    if (option !== undefined) this.#places.push({ check: check.id, ...option, fingerprint });
    this.#found.push({
      id: check.id,
      severity,
      verdict,
      file,
      line: hit.line,
      message: printable(hit.message ?? check.title),
      hint: check.fix,
      evidence: hit.evidence === undefined ? undefined : printable(hit.evidence),
      fingerprint,
    });
  }

  optionPlaces(): readonly OptionPlace[] {
    return this.#places;
  }

  /** Answers what the source left open: with the evidence that it is so, or with null that it is not. */
  settle({ fingerprint }: OptionPlace, evidence: string | null, check: CheckInfo): void {
    this.#settle((finding) => finding.fingerprint === fingerprint, evidence, check);
  }

  /** The same for all that a check found; where it found nothing, `file` is what the finding is about. */
  settleAll(check: CheckInfo, evidence: string | null, file: string): void {
    const settled = this.#settle(({ id }) => id === check.id, evidence, check);
    if (!settled && evidence !== null) this.add(check, file, { evidence }, evidence);
  }

  #settle(isMeant: (finding: AuditFinding) => boolean, evidence: string | null, check: CheckInfo): boolean {
    const meant = this.#found.filter(isMeant);
    for (const found of meant) {
      this.#count(check.id)[found.verdict === "unknown" ? "unknown" : "affected"]--;
      const at = this.#found.indexOf(found);
      if (evidence === null) {
        this.#found.splice(at, 1);
        this.fine(check);
        continue;
      }
      this.#count(check.id).affected++;
      const severity = found.verdict === "unknown" ? check.severity : found.severity;
      const said = { message: printable(check.title), evidence: printable(evidence) };
      this.#found[at] = { ...found, severity, verdict: "affected", ...said };
    }
    return meant.length > 0;
  }

  /** A finding of another part of the program, which has its own words. */
  take(finding: Finding): void {
    this.#count(finding.id).affected++;
    const flagged = `${finding.secret ?? ""}\0${finding.message}`;
    this.#found.push({
      ...finding,
      verdict: finding.verdict ?? "affected",
      message: printable(finding.message, 1000),
      fingerprint: this.#fingerprints.of(finding.id, finding.file ?? "", flagged),
    });
  }

  fine(check: CheckInfo): void {
    this.#count(check.id).notAffected++;
  }

  /** The worst first, and no more than a report takes. */
  list(): AuditFinding[] {
    return inOrder(this.#found, rankOf).slice(0, limits.report);
  }

  results(): CheckResult[] {
    return Array.from(this.#counts, ([id, { affected, unknown, notAffected }]) => ({
      id,
      affected,
      unknown,
      notAffected,
    })).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  #count(id: string): Count {
    let count = this.#counts.get(id);
    if (count === undefined) this.#counts.set(id, (count = { affected: 0, unknown: 0, notAffected: 0 }));
    return count;
  }
}
