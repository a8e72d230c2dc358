import type { Position } from "./ast.ts";
import { digit, endOfRun, identifier, isAt, letter, path, uri } from "./characters.ts";
import { fault } from "./faults.ts";
import { keywords, symbols, type Token, type TokenKind } from "./tokens.ts";

const keywordKinds: ReadonlyMap<string, TokenKind> = new Map(keywords.map((word) => [word, word]));

const symbolsByFirst = new Map<number, readonly (typeof symbols)[number][]>();
for (const symbol of symbols) {
  const first = symbol.charCodeAt(0);
  symbolsByFirst.set(first, [...(symbolsByFirst.get(first) ?? []), symbol]);
}

const float = /(?:[1-9][0-9]*\.[0-9]*|0?\.[0-9]+)(?:[Ee][+-]?[0-9]+)?/y;
const openingOfIndented = /'' *\n/y;
const lineBreak = /\r\n|\r|\n/g;

/**
 * Splits Nix source into tokens by the rules of Nix's lexer: the longest match wins. The source is bytes, one a
 * character (Latin-1), so that offsets and columns are those of Nix, and bytes that are not UTF-8 harm nobody.
 *
 * `next` reads ordinary tokens. After an opening quote or a path, the parser moves `offset` itself with
 * `moveTo`. Every byte is looked at a bounded number of times.
 */
export class Lexer {
  readonly source: string;
  offset = 0;
  #line = 1;
  #lineStart = 0;
  /** The first line break that is not behind us: offset, and offset of the next line. */
  #break = 0;
  #afterBreak = 0;
  /** End of the run of path characters that was looked at last, and its last underscore. */
  #runEnd = -1;
  #runUnderscore = -1;

  constructor(source: string) {
    this.source = source;
    this.#findBreak(0);
  }

  /** Offsets must not go back: lines are counted as they pass. */
  positionAt(offset: number): Position {
    while (this.#break < offset) {
      this.#line++;
      this.#lineStart = this.#afterBreak;
      this.#findBreak(this.#afterBreak);
    }
    return { offset, line: this.#line, column: offset - this.#lineStart + 1 };
  }

  moveTo(offset: number): void {
    this.offset = offset;
  }

  next(): Token {
    const { source } = this;
    this.#skipBlanks();
    const start = this.offset;
    const at = this.positionAt(start);
    if (start >= source.length) return { kind: "end", at, end: start };
    const { kind, end } = this.#match(start, at);
    this.offset = end;
    return { kind, at, end };
  }

  #match(start: number, at: Position): { kind: TokenKind; end: number } {
    const { source } = this;
    if (isAt(source, start, path) || source[start] === "/") {
      const pathEnd = this.#endOfPath(start);
      if (pathEnd !== undefined) return { kind: "path", end: pathEnd };
    }
    if (isAt(source, start, letter)) {
      const uriEnd = this.#endOfUri(start);
      if (uriEnd !== undefined) return { kind: "uri", end: uriEnd };
    }
    if (isAt(source, start, letter) || source[start] === "_") {
      const end = endOfRun(source, start, identifier);
      const keyword = end - start > 7 ? undefined : keywordKinds.get(source.slice(start, end));
      return { kind: keyword ?? "identifier", end };
    }
    if (isAt(source, start, digit) || source[start] === ".") {
      float.lastIndex = start;
      const end = endOfRun(source, start, digit);
      if (float.test(source) && float.lastIndex > end) return { kind: "float", end: float.lastIndex };
      if (end > start) return { kind: "integer", end };
    }
    if (source[start] === "~" && source[start + 1] === "/") {
      const end = endOfPathSegments(source, start + 1);
      if (end !== undefined) return { kind: "path", end };
    }
    if (source[start] === "<") {
      const end = endOfSearchPath(source, start);
      if (end !== undefined) return { kind: "search-path", end };
    }
    return this.#matchSymbol(start, at);
  }

  #matchSymbol(start: number, at: Position): { kind: TokenKind; end: number } {
    const { source } = this;
    for (const symbol of symbolsByFirst.get(source.charCodeAt(start)) ?? []) {
      if (!source.startsWith(symbol, start)) continue;
      if (symbol !== "''") return { kind: symbol, end: start + symbol.length };
      // White space up to the end of the opening line is no part of an indented string.
      openingOfIndented.lastIndex = start;
      return { kind: symbol, end: openingOfIndented.test(source) ? openingOfIndented.lastIndex : start + 2 };
    }
    throw fault(`unexpected ${nameOfByte(source.charCodeAt(start))}`, at);
  }

  #skipBlanks(): void {
    const { source } = this;
    let offset = this.offset;
    for (;;) {
      const code = source.charCodeAt(offset);
      if (code === 0x20 || code === 0x0a || code === 0x09 || code === 0x0d) offset++;
      else if (code === 0x23) {
        offset = this.#endOfLine(offset);
      } else if (code === 0x2f && source.charCodeAt(offset + 1) === 0x2a) {
        const end = source.indexOf("*/", offset + 2);
        if (end === -1) throw fault("comment without an end", this.positionAt(offset), "close it with */");
        offset = end + 2;
      } else break;
    }
    this.offset = offset;
  }

  #endOfLine(offset: number): number {
    this.positionAt(offset);
    return this.#break;
  }

  #findBreak(from: number): void {
    lineBreak.lastIndex = from;
    const found = lineBreak.test(this.source);
    this.#afterBreak = found ? lineBreak.lastIndex : this.source.length;
    if (!found) this.#break = this.source.length;
    else {
      const crlf =
        this.source[lineBreak.lastIndex - 1] === "\n" && this.source[lineBreak.lastIndex - 2] === "\r";
      this.#break = lineBreak.lastIndex - (crlf && lineBreak.lastIndex - 2 >= from ? 2 : 1);
    }
  }

  /** PATH, or PATH_SEG before `${`: path characters, then a slash with something behind it. */
  #endOfPath(start: number): number | undefined {
    const slash = isAt(this.source, start, path) ? this.#pathRun(start) : start;
    return this.source[slash] === "/" ? endOfPathSegments(this.source, slash) : undefined;
  }

  #endOfUri(start: number): number | undefined {
    const colon = this.#pathRun(start);
    // A scheme is a run of path characters without an underscore.
    if (this.source[colon] !== ":" || this.#runUnderscore >= start) return undefined;
    const end = endOfRun(this.source, colon + 1, uri);
    return end > colon + 1 ? end : undefined;
  }

  /** Remembered, because `1+1+1+…` is one run for every token in it, and looking anew each time would be quadratic. */
  #pathRun(start: number): number {
    if (start >= this.#runEnd) {
      this.#runEnd = endOfRun(this.source, start, path);
      this.#runUnderscore = this.source.slice(start, this.#runEnd).lastIndexOf("_");
      if (this.#runUnderscore !== -1) this.#runUnderscore += start;
    }
    return this.#runEnd;
  }
}

/** `slash` is at a slash. Undefined when what follows makes no path (`/ 2`, `//`, `/*`). */
function endOfPathSegments(source: string, slash: number): number | undefined {
  if (source.startsWith("${", slash + 1)) return slash + 1;
  if (!isAt(source, slash + 1, path)) return undefined;
  let end = slash;
  while (source[end] === "/" && isAt(source, end + 1, path)) end = endOfRun(source, end + 1, path);
  return source[end] === "/" ? end + 1 : end;
}

function endOfSearchPath(source: string, start: number): number | undefined {
  let end = endOfRun(source, start + 1, path);
  if (end === start + 1) return undefined;
  while (source[end] === "/" && isAt(source, end + 1, path)) end = endOfRun(source, end + 1, path);
  return source[end] === ">" ? end + 1 : undefined;
}

function nameOfByte(code: number): string {
  return code > 0x20 && code < 0x7f
    ? `'${String.fromCharCode(code)}'`
    : `byte 0x${code.toString(16).padStart(2, "0")}`;
}
