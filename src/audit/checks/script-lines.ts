import type { Job, Step } from "../workflow.ts";
import type { Hit } from "./check.ts";
import { linesWith } from "./text-matches.ts";

export function stepsOf(jobs: readonly Job[]): Step[] {
  return jobs.flatMap(({ steps }) => steps);
}

/** The lines of a step's script that match, as lines of the workflow. */
export function* scriptLines({ run, runLine }: Step, pattern: RegExp): Generator<Hit & { line: number }> {
  for (const { line } of linesWith(run ?? "", pattern)) yield { line: runLine + line! - 1 };
}
