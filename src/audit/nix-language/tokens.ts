import type { Position } from "./ast.ts";

export const keywords = [
  "if",
  "then",
  "else",
  "assert",
  "with",
  "let",
  "in",
  "rec",
  "inherit",
  "or",
] as const;

/** Longest first: the lexer takes the first that fits. */
export const symbols = [
  "...",
  "==",
  "!=",
  "<=",
  ">=",
  "&&",
  "||",
  "->",
  "//",
  "++",
  "<|",
  "|>",
  "${",
  "''",
  '"',
  "{",
  "}",
  "(",
  ")",
  "[",
  "]",
  "=",
  ";",
  ":",
  ",",
  ".",
  "@",
  "?",
  "!",
  "+",
  "-",
  "*",
  "/",
  "<",
  ">",
] as const;

export type TokenKind =
  | (typeof keywords)[number]
  | (typeof symbols)[number]
  | "identifier"
  | "integer"
  | "float"
  | "uri"
  | "path"
  | "search-path"
  | "end";

/** `"` and `''` open a string and `path` is a path's first part: what follows them is read by strings.ts and paths.ts. */
export interface Token {
  readonly kind: TokenKind;
  readonly at: Position;
  /** The offset behind its last byte. */
  readonly end: number;
}
