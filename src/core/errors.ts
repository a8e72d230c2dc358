/** What went wrong, as a closed set that scripts and tests can rely on. The words of a message may change. */
export type ErrorCode =
  /** the command line is wrong */
  | "usage"
  /** a file that a person wrote (fleet.toml, a manifest, a policy) is wrong */
  | "config"
  /** what was named does not exist */
  | "not-found"
  /** it exists already, or somebody else holds it */
  | "conflict"
  /** bytes from outside do not follow their format */
  | "malformed"
  /** bytes from outside are larger, deeper or more than is accepted */
  | "limit"
  /** the operating system said no: permission, disk full, broken pipe */
  | "io"
  /** a program that was started failed */
  | "tool"
  /** a bounded wait ended */
  | "timeout"
  /** the person or the caller stopped it */
  | "cancelled"
  /** some hosts or secrets are done and some are not */
  | "partial"
  /** a security decision: no, or it could not be made */
  | "refused"
  /** the data is too old to decide on */
  | "stale"
  /** our mistake */
  | "bug";

/** Where to look: a place in a file (line and column count from 1, offset in bytes from 0) or a host. */
export interface Where {
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  readonly column?: number | undefined;
  readonly offset?: number | undefined;
  readonly host?: string | undefined;
}

export interface ErrorDetails {
  /** What the person can do about it, as a whole sentence without a full stop. */
  readonly hint?: string | undefined;
  readonly where?: Where | undefined;
  readonly cause?: unknown;
}

/**
 * The one error class. The message is lower-case, without a full stop, names the thing and never
 * contains a secret value.
 */
export class NixsealError extends Error {
  override readonly name = "NixsealError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly where: Where | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
    this.where = details.where;
  }
}

/** The same error with a place added, for callers that know the file when the parser only knew the line. */
export function at(error: unknown, where: Where): unknown {
  if (!(error instanceof NixsealError)) return error;
  return new NixsealError(error.code, error.message, {
    hint: error.hint,
    where: { ...where, ...dropUndefined(error.where) },
    cause: error.cause,
  });
}

/** Whether nobody reads our output any more (`nixseal … | head`): there is nobody to tell it to then. */
export function readerLeft(error: unknown): boolean {
  if (!(error instanceof NixsealError) || error.code !== "io") return false;
  return error.cause instanceof Error && "code" in error.cause && error.cause.code === "EPIPE";
}

/** `FILE:LINE:COL`, as compilers and editors write it; the empty string when there is nothing to say. */
export function placeOf(where: Where | undefined): string {
  if (where === undefined) return "";
  const parts = [where.host, where.file, where.line, where.column].filter((part) => part !== undefined);
  if (where.offset !== undefined) parts.push(`byte ${where.offset}`);
  return parts.join(":");
}

function dropUndefined(where: Where | undefined): Where {
  return Object.fromEntries(Object.entries(where ?? {}).filter(([, value]) => value !== undefined));
}
