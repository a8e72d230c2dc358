import { NixsealError } from "../../core/errors.ts";
import type { Position } from "./ast.ts";

/** Source that Nix would not parse either. */
export function fault(message: string, at: Position, hint?: string): NixsealError {
  return new NixsealError("malformed", message, {
    hint,
    where: { line: at.line, column: at.column, offset: at.offset },
  });
}

/** Source that may be right but is more than this parser takes. */
export function beyondLimit(message: string, at: Position, hint: string): NixsealError {
  return new NixsealError("limit", message, {
    hint,
    where: { line: at.line, column: at.column, offset: at.offset },
  });
}
