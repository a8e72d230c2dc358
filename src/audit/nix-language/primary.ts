import type { Expression, List, Position, StringLiteral } from "./ast.ts";
import { parseAttrPath, parseSet } from "./bindings.ts";
import type { Cursor } from "./cursor.ts";
import { fault } from "./faults.ts";
import { parseIndented } from "./indented-strings.ts";
import { parsePath } from "./paths.ts";
import { parseQuoted } from "./strings.ts";
import { decoded } from "./text.ts";
import type { TokenKind } from "./tokens.ts";

const largestInteger = 2n ** 63n - 1n;
const smallestNormal = 2 ** -1022;

/** expr_app: a function and its arguments, or just an operand. */
export function parseApplication(cursor: Cursor): Expression {
  const { at } = cursor.token;
  const callee = parseSelect(cursor);
  if (!forms.has(cursor.token.kind)) return callee;
  const list: Expression[] = [];
  while (forms.has(cursor.token.kind)) list.push(parseSelect(cursor));
  return { kind: "call", at, callee, arguments: list };
}

/** expr_select: `a`, `a.b.c`, `a.b or c`, and `a or`, which calls `a` with the variable `or`. */
function parseSelect(cursor: Cursor): Expression {
  const { at } = cursor.token;
  const of = parsePrimary(cursor);
  const behind = cursor.token.at;
  if (cursor.accept("or")) {
    const or: Expression = { kind: "variable", at: behind, name: "or" };
    return { kind: "call", at, callee: of, arguments: [or] };
  }
  if (!cursor.accept(".")) return of;
  const path = parseAttrPath(cursor);
  if (!cursor.accept("or")) return { kind: "select", at, of, path, fallback: null };
  cursor.enter();
  const fallback = parseSelect(cursor);
  cursor.leave();
  return { kind: "select", at, of, path, fallback };
}

type Parse = (cursor: Cursor, at: Position) => Expression;

/** expr_simple, by its first token. What is not here can't begin an operand. */
const forms: ReadonlyMap<TokenKind, Parse> = new Map<TokenKind, Parse>([
  ["identifier", (cursor, at) => ({ kind: "variable", at, name: take(cursor) })],
  ["integer", (cursor, at) => integer(take(cursor), at)],
  ["float", (cursor, at) => float(take(cursor), at)],
  ["uri", (cursor, at) => uri(take(cursor), at)],
  ["search-path", (cursor, at) => ({ kind: "search-path", at, text: take(cursor).slice(1, -1) })],
  ["path", parsePath],
  ['"', parseQuoted],
  ["''", parseIndented],
  ["(", parseParentheses],
  ["[", parseList],
  ["{", (cursor, at) => parseSet(cursor, at, "set")],
  ["rec", (cursor, at) => (cursor.advance(), parseSet(cursor, at, "rec"))],
  ["let", (cursor, at) => (cursor.advance(), parseSet(cursor, at, "legacy-let"))],
]);

function parsePrimary(cursor: Cursor): Expression {
  const parse = forms.get(cursor.token.kind);
  if (parse === undefined) throw cursor.unexpected("an expression");
  return parse(cursor, cursor.token.at);
}

function parseParentheses(cursor: Cursor): Expression {
  cursor.advance();
  const expression = cursor.expression();
  cursor.expect(")", "or an operator");
  return expression;
}

function parseList(cursor: Cursor): List {
  const { at } = cursor.token;
  cursor.advance();
  cursor.enter();
  const elements: Expression[] = [];
  while (forms.has(cursor.token.kind)) elements.push(parseSelect(cursor));
  cursor.leave();
  cursor.expect("]", "or a list element");
  return { kind: "list", at, elements };
}

function take(cursor: Cursor): string {
  const text = cursor.textOf(cursor.token);
  cursor.advance();
  return text;
}

function uri(text: string, at: Position): StringLiteral {
  return { kind: "string", form: "uri", at, parts: [{ kind: "text", at, text: decoded(text) }] };
}

function integer(digits: string, at: Position): Expression {
  const significant = digits.replace(/^0+(?=.)/, "");
  // 19 digits are enough for 2^63 - 1; longer ones would only cost time.
  const value = significant.length > 19 ? undefined : BigInt(significant);
  if (value === undefined || value > largestInteger)
    throw fault("integer beyond 2^63 - 1", at, "Nix counts in 64 bits");
  return { kind: "integer", at, value };
}

function float(text: string, at: Position): Expression {
  const value = Number(text);
  const zero = /^[0.]*(?:[Ee]|$)/.test(text);
  // Where strtod reports ERANGE, Nix refuses.
  if (value === Infinity || (value < smallestNormal && !zero))
    throw fault("float outside what 64 bits hold", at);
  return { kind: "float", at, value };
}
