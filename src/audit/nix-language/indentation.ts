import type { StringPart } from "./ast.ts";
import type { Piece } from "./indented-strings.ts";
import { Parts } from "./text.ts";

/**
 * Removes the indentation that all lines share, as Nix's `stripIndentation`: spaces only, never tabs; lines of nothing
 * but spaces do not count; a last line of nothing but spaces goes.
 */
export function stripIndentation(pieces: readonly Piece[]): readonly StringPart[] {
  const shared = sharedIndentation(pieces);
  const parts = new Parts();
  let atLineStart = true;
  let dropped = 0;
  for (const [index, piece] of pieces.entries()) {
    if (piece.kind === "interpolation") {
      atLineStart = false;
      dropped = 0;
      parts.interpolation(piece.expression, piece.at);
      continue;
    }
    const { text } = piece;
    let stripped = "";
    let offset = 0;
    while (offset < text.length) {
      if (!atLineStart) {
        const end = text.indexOf("\n", offset) + 1;
        stripped += text.slice(offset, end === 0 ? undefined : end);
        atLineStart = end !== 0;
        offset = end === 0 ? text.length : end;
        continue;
      }
      const spaces = endOfSpaces(text, offset) - offset;
      stripped += " ".repeat(Math.max(0, dropped + spaces - Math.max(dropped, shared)));
      dropped += spaces;
      offset += spaces;
      if (offset === text.length) break;
      atLineStart = text[offset] === "\n";
      dropped = 0;
      stripped += text[offset++]!;
    }
    parts.text(index === pieces.length - 1 ? withoutLastLine(stripped) : stripped, piece.at);
  }
  return parts.list();
}

function sharedIndentation(pieces: readonly Piece[]): number {
  let atLineStart = true;
  let shared = Infinity;
  let current = 0;
  for (const piece of pieces) {
    if (piece.kind !== "source") {
      if (atLineStart) shared = Math.min(shared, current);
      atLineStart = false;
      continue;
    }
    const { text } = piece;
    let offset = 0;
    while (offset < text.length) {
      if (!atLineStart) {
        const end = text.indexOf("\n", offset);
        if (end === -1) break;
        atLineStart = true;
        current = 0;
        offset = end + 1;
        continue;
      }
      const end = endOfSpaces(text, offset);
      current += end - offset;
      offset = end;
      if (offset === text.length) break;
      if (text[offset] === "\n") current = 0;
      else {
        atLineStart = false;
        shared = Math.min(shared, current);
      }
      offset++;
    }
  }
  return shared;
}

function endOfSpaces(text: string, offset: number): number {
  let end = offset;
  while (text.charCodeAt(end) === 0x20) end++;
  return end;
}

function withoutLastLine(text: string): string {
  const begin = text.lastIndexOf("\n") + 1;
  return begin > 0 && endOfSpaces(text, begin) === text.length ? text.slice(0, begin) : text;
}
