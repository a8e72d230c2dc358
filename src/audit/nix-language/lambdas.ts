import type { Formal, Formals, Lambda, Position } from "./ast.ts";
import type { Cursor } from "./cursor.ts";
import { fault } from "./faults.ts";

/** Whether the brace at the cursor opens formals and not a set: `{ a,`, `{ a ?`, `{ a }`, `{ ...`, `{ }:`, `{ }@`. */
export function beginsFormals(cursor: Cursor): boolean {
  const first = cursor.peek(1).kind;
  if (first === "...") return true;
  if (first !== "identifier" && first !== "}") return false;
  const second = cursor.peek(2).kind;
  return first === "}"
    ? second === ":" || second === "@"
    : second === "," || second === "?" || second === "}";
}

/** `name: body` and `name@{ … }: body` */
export function parseNamedLambda(cursor: Cursor): Lambda {
  const { at } = cursor.token;
  const name = cursor.textOf(cursor.token);
  cursor.advance();
  const formals = cursor.accept("@") ? parseFormals(cursor) : null;
  return finish(cursor, at, name, formals);
}

/** `{ … }: body` and `{ … }@name: body` */
export function parseFormalsLambda(cursor: Cursor): Lambda {
  const { at } = cursor.token;
  const formals = parseFormals(cursor);
  if (!cursor.accept("@")) return finish(cursor, at, null, formals);
  if (cursor.token.kind !== "identifier") throw cursor.unexpected("a name after '@'");
  const name = cursor.textOf(cursor.token);
  cursor.advance();
  return finish(cursor, at, name, formals);
}

function finish(cursor: Cursor, at: Position, name: string | null, formals: Formals | null): Lambda {
  cursor.expect(":", "after the function's argument");
  const twice = formals?.list.find((formal) => formal.name === name);
  if (twice !== undefined) throw duplicate(twice.name, twice.at);
  return { kind: "lambda", at, name, formals, body: cursor.expression() };
}

function parseFormals(cursor: Cursor): Formals {
  cursor.expect("{", "at the beginning of the formals");
  const list: Formal[] = [];
  const names = new Set<string>();
  let ellipsis = false;
  while (cursor.token.kind !== "}") {
    ellipsis = cursor.accept("...");
    if (ellipsis) break;
    const formal = parseFormal(cursor);
    if (names.has(formal.name)) throw duplicate(formal.name, formal.at);
    names.add(formal.name);
    list.push(formal);
    if (!cursor.accept(",")) break;
  }
  cursor.expect("}", ellipsis ? "after '...'" : "or ',' after a formal");
  return { list, ellipsis };
}

function parseFormal(cursor: Cursor): Formal {
  const { at, kind } = cursor.token;
  if (kind !== "identifier") throw cursor.unexpected("a formal, '...' or '}'");
  const name = cursor.textOf(cursor.token);
  cursor.advance();
  return { kind: "formal", at, name, fallback: cursor.accept("?") ? cursor.expression() : null };
}

function duplicate(name: string, at: Position): Error {
  return fault(`formal argument '${name}' is given twice`, at, "remove one of the two");
}
