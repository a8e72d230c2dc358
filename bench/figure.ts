/** One measured value beside what it is compared with in the same run. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** The peer or the physical limit, with its own figure. */
  readonly beside: string;
  /** How the two compare, when a target is set for it. */
  readonly ratio?: number;
}

export interface Benchmark {
  readonly name: string;
  readonly figures: readonly Figure[];
}
