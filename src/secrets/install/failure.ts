import { NixsealError, placeOf, type ErrorCode } from "../../core/errors.ts";

/** Why one secret was not installed. Never holds a value. */
export interface Failure {
  readonly name: string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | null;
}

/** An error as the failure of one secret. An error that is not ours is a bug, and stops the run. */
export function failureOf(name: string, error: unknown): Failure {
  if (!(error instanceof NixsealError) || error.code === "bug") throw error;
  const place = placeOf(error.where);
  const message = place === "" ? error.message : `${place}: ${error.message}`;
  return { name, code: error.code, message, hint: error.hint ?? null };
}
