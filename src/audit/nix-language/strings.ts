import type { Position, StringLiteral, StringPart } from "./ast.ts";
import type { Cursor } from "./cursor.ts";
import { fault } from "./faults.ts";
import { Parts } from "./text.ts";

// oxlint-disable-next-line no-control-regex -- NUL is refused
const special = /["\\$\r\u0000]/g;

/** `"…"`, from the opening quote to the token behind the closing one. */
export function parseQuoted(cursor: Cursor): StringLiteral {
  const { at } = cursor.token;
  const parts = quotedParts(cursor, at);
  cursor.advance();
  return { kind: "string", form: "quoted", at, parts };
}

function quotedParts(cursor: Cursor, opening: Position): readonly StringPart[] {
  const { lexer } = cursor;
  const { source } = lexer;
  const parts = new Parts();
  let offset = lexer.offset;
  let at = lexer.positionAt(offset);
  for (;;) {
    special.lastIndex = offset;
    if (!special.test(source)) throw withoutEnd(opening);
    const found = special.lastIndex - 1;
    parts.text(source.slice(offset, found), at);
    offset = found + 1;
    at = lexer.positionAt(found);
    const character = source[found];
    if (character === '"') {
      lexer.moveTo(offset);
      return parts.list();
    } else if (character === "\\") {
      if (offset >= source.length) throw withoutEnd(opening);
      parts.text(unescaped(source, offset, at), at);
      offset++;
    } else if (character === "\r") {
      // CR and CR LF are one newline, as in Nix.
      parts.text("\n", at);
      if (source[offset] === "\n") offset++;
    } else if (character === "\0") throw nul(at);
    else if (source[offset] === "{") {
      parts.interpolation(cursor.interpolation(at), at);
      offset = lexer.offset;
    } else if (source[offset] === "$") {
      // `$$` is taken as a pair, so that `$${` begins no interpolation.
      parts.text("$$", at);
      offset++;
    } else parts.text("$", at);
    at = lexer.positionAt(offset);
  }
}

function withoutEnd(opening: Position): Error {
  return fault("string without an end", opening, 'close it with "');
}

/** What the byte behind a backslash stands for. */
export function unescaped(source: string, offset: number, at: Position): string {
  const character = source[offset]!;
  if (character === "n") return "\n";
  if (character === "r") return "\r";
  if (character === "t") return "\t";
  if (character === "\0") throw nul(at);
  return character;
}

/** Nix's strings end at NUL in old versions and refuse it in new ones. */
export function nul(at: Position): Error {
  return fault("NUL byte in a string", at);
}
