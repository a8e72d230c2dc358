import type { Expression, Position, StringLiteral } from "./ast.ts";
import type { Cursor } from "./cursor.ts";
import { fault } from "./faults.ts";
import { stripIndentation } from "./indentation.ts";
import { nul, unescaped } from "./strings.ts";

// oxlint-disable-next-line no-control-regex -- NUL is refused
const special = /['$\u0000]/g;

/** A token of an indented string. Escapes end the white space at the start of a line; source text may be such. */
export type Piece =
  | { readonly kind: "source" | "escape"; readonly at: Position; readonly text: string }
  | { readonly kind: "interpolation"; readonly at: Position; readonly expression: Expression };

/** `''…''`, from the opening quotes to the token behind the closing ones. */
export function parseIndented(cursor: Cursor): StringLiteral {
  const { at } = cursor.token;
  const pieces = piecesOf(cursor, at);
  cursor.advance();
  return { kind: "string", form: "indented", at, parts: stripIndentation(pieces) };
}

function piecesOf(cursor: Cursor, opening: Position): Piece[] {
  const { lexer } = cursor;
  const { source } = lexer;
  const pieces: Piece[] = [];
  let begin = lexer.offset; // of the source text that is not yet in a piece
  let offset = begin;
  const flush = (end: number): void => {
    const at = lexer.positionAt(begin);
    if (end > begin) pieces.push({ kind: "source", at, text: source.slice(begin, end) });
  };
  const escape = (from: number, end: number, text: string): void => {
    flush(from);
    pieces.push({ kind: "escape", at: lexer.positionAt(from), text });
    begin = end;
    offset = end;
  };
  for (;;) {
    special.lastIndex = offset;
    if (!special.test(source)) throw withoutEnd(opening);
    const found = special.lastIndex - 1;
    offset = found + 1;
    const next = source[offset];
    if (source[found] === "\0") throw nul(lexer.positionAt(found));
    if (source[found] === "$") {
      if (next === "{") {
        flush(found);
        const at = lexer.positionAt(found);
        pieces.push({ kind: "interpolation", at, expression: cursor.interpolation(at) });
        offset = lexer.offset;
        begin = offset;
      } else if (next === "'") escape(found, offset, "$");
      else if (next === "$") offset++; // a pair, so that `$${` begins no interpolation
    } else if (next === "$") escape(found, offset, "'");
    else if (next === "'") {
      const third = source[found + 2];
      if (third === "$") escape(found, found + 3, "$");
      else if (third === "'") escape(found, found + 3, "''");
      else if (third === "\\") {
        if (found + 3 >= source.length) throw withoutEnd(opening);
        escape(found, found + 4, unescaped(source, found + 3, lexer.positionAt(found)));
      } else {
        flush(found);
        lexer.moveTo(found + 2);
        return pieces;
      }
    }
  }
}

function withoutEnd(opening: Position): Error {
  return fault("indented string without an end", opening, "close it with ''");
}
