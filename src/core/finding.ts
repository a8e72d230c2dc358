/** What a check reports. Findings are data, not errors; the exit code of a verb with findings is 1. */
export interface Finding {
  /** Names the check: stable, for scripts and waivers. */
  readonly id: string;
  readonly severity: Severity;
  /** Whether it holds, does not, or could not be told. A check that only ever says what holds leaves it out. */
  readonly verdict?: Verdict | undefined;
  /** The file that it is about, relative to what was checked; `line` and `column` count from 1. */
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  readonly column?: number | undefined;
  /** The secret that it is about, where it is about one. */
  readonly secret?: string | undefined;
  readonly message: string;
  readonly hint?: string | undefined;
  /** What the verdict rests on. Never a secret's value. */
  readonly evidence?: string | undefined;
}

export const severities = ["info", "low", "medium", "high", "critical"] as const;
export type Severity = (typeof severities)[number];

export const verdicts = ["affected", "not-affected", "unknown"] as const;
export type Verdict = (typeof verdicts)[number];
