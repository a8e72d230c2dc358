import type { PathLiteral } from "./ast.ts";
import { endOfRun, isAt, path } from "./characters.ts";
import type { Cursor } from "./cursor.ts";
import { fault } from "./faults.ts";
import { Parts } from "./text.ts";

/** A path with its interpolations, from its first token to the token behind it. No blank may stand inside. */
export function parsePath(cursor: Cursor): PathLiteral {
  const { lexer, token } = cursor;
  const { source } = lexer;
  const { at } = token;
  const parts = new Parts();
  parts.text(cursor.textOf(token), at);
  let offset = token.end;
  let interpolated = false;
  let pieces = 0; // of text behind the first token and before any interpolation
  for (;;) {
    const place = lexer.positionAt(offset);
    if (source.startsWith("${", offset)) {
      parts.interpolation(cursor.interpolation(place), place);
      interpolated = true;
      offset = lexer.offset;
      continue;
    }
    const end = endOfPiece(source, offset);
    if (end === offset) {
      if (source[offset - 1] === "/") throw fault("path with a trailing slash", place, "remove the slash");
      if (pieces > 0 && !interpolated) throw emptySegment(cursor, token.end);
      break;
    }
    if (!interpolated && ++pieces > 1) throw emptySegment(cursor, token.end);
    parts.text(source.slice(offset, end), place);
    offset = end;
  }
  lexer.moveTo(offset);
  cursor.advance();
  const first = source[at.offset];
  const form = first === "/" ? "absolute" : first === "~" ? "home" : "relative";
  return { kind: "path", form, at, parts: parts.list() };
}

/** The longest of PATH, PATH_SEG and PATH_CHAR+ of Nix's lexer in the state INPATH. */
function endOfPiece(source: string, offset: number): number {
  let end = endOfRun(source, offset, path);
  while (source[end] === "/" && isAt(source, end + 1, path)) end = endOfRun(source, end + 1, path);
  return source[end] === "/" ? end + 1 : end;
}

/** `a/b//c` without an interpolation: Nix's lexer lets it pass, its grammar does not. */
function emptySegment(cursor: Cursor, offset: number): Error {
  return fault("path with an empty segment", cursor.lexer.positionAt(offset), "write one slash");
}
