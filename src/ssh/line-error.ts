import { NixsealError } from "../core/errors.ts";

/** The fault of one line of a text file. An offset into the line's decoded key would mislead, so it is dropped. */
export function onLine(error: unknown, line: number): NixsealError {
  if (!(error instanceof NixsealError)) throw error;
  return new NixsealError(error.code, error.message, { hint: error.hint, where: { line }, cause: error });
}
