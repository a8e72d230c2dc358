import { NixsealError, type ErrorCode } from "./errors.ts";

/** The contract with scripts: see docs/exit-codes.md. */
export const exitCodes = {
  done: 0,
  findings: 1,
  usage: 2,
  partial: 3,
  refused: 4,
  stale: 5,
  bug: 70,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

const byError: Record<ErrorCode, ExitCode> = {
  usage: 2,
  config: 2,
  "not-found": 2,
  conflict: 2,
  malformed: 2,
  limit: 2,
  io: 2,
  tool: 2,
  timeout: 2,
  cancelled: 2,
  partial: 3,
  refused: 4,
  stale: 5,
  bug: 70,
};

/** An error that we did not make on purpose is a bug of ours, never "done". */
export function exitCodeOf(error: unknown): ExitCode {
  return error instanceof NixsealError ? byError[error.code] : exitCodes.bug;
}
