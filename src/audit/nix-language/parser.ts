import type { Assert, BinaryOperator, Expression, If, Let, With } from "./ast.ts";
import { parseLetBindings } from "./bindings.ts";
import { Cursor } from "./cursor.ts";
import { beyondLimit, fault } from "./faults.ts";
import { beginsFormals, parseFormalsLambda, parseNamedLambda } from "./lambdas.ts";
import { parseOperation } from "./operators.ts";

/** Bytes. The largest file of nixpkgs has a fifth of it. */
export const largestSource = 16 << 20;

/**
 * Parses one file of the Nix language, as of Nix 2.36, with pipe operators. What Nix itself says before evaluation
 * is said here: attributes and formals given twice, dynamic attributes in `let` and `inherit`, paths with a trailing
 * slash. Variables are not looked up. One thing is stricter: a NUL byte outside a comment, where Nix stops reading
 * and a person does not, is an error.
 *
 * Errors: `malformed` with line, column and offset of the fault; `limit` for sources over 16 MiB or nested too deeply.
 */
export function parseNix(bytes: Uint8Array): Expression {
  if (bytes.length > largestSource)
    throw beyondLimit(
      `Nix source of ${bytes.length} bytes, more than ${largestSource}`,
      { offset: 0, line: 1, column: 1 },
      "data that large belongs in a JSON file",
    );
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  const cursor = new Cursor(source, parseExpression);
  const expression = cursor.expression();
  if (cursor.token.kind !== "end") throw cursor.unexpected("an operator or the end of the file");
  return expression;
}

/** expr_function: the forms that reach as far to the right as they can. */
function parseExpression(cursor: Cursor): Expression {
  const { kind } = cursor.token;
  if (kind === "identifier") {
    const next = cursor.peek(1).kind;
    return next === ":" || next === "@" ? parseNamedLambda(cursor) : parsePipe(cursor);
  }
  if (kind === "{") return beginsFormals(cursor) ? parseFormalsLambda(cursor) : parsePipe(cursor);
  // `let {` is the old form, an operand.
  if (kind === "let") return cursor.peek(1).kind === "{" ? parsePipe(cursor) : parseLet(cursor);
  if (kind === "with") return parseWith(cursor);
  if (kind === "assert") return parseAssert(cursor);
  if (kind === "if") return parseIf(cursor);
  return parsePipe(cursor);
}

function parseLet(cursor: Cursor): Let {
  const { at } = cursor.token;
  cursor.advance();
  const bindings = parseLetBindings(cursor);
  cursor.expect("in", "after the bindings");
  return { kind: "let", at, bindings, body: cursor.expression() };
}

function parseWith(cursor: Cursor): With {
  const { at } = cursor.token;
  cursor.advance();
  const scope = cursor.expression();
  cursor.expect(";", "after 'with'");
  return { kind: "with", at, scope, body: cursor.expression() };
}

function parseAssert(cursor: Cursor): Assert {
  const { at } = cursor.token;
  cursor.advance();
  const condition = cursor.expression();
  cursor.expect(";", "after 'assert'");
  return { kind: "assert", at, condition, body: cursor.expression() };
}

function parseIf(cursor: Cursor): If {
  const { at } = cursor.token;
  cursor.advance();
  const condition = cursor.expression();
  cursor.expect("then", "after the condition");
  const consequent = cursor.expression();
  cursor.expect("else", "after 'then'");
  return { kind: "if", at, condition, consequent, alternate: cursor.expression() };
}

/** expr_pipe_into (from the left) and expr_pipe_from (from the right): the loosest operators, which don't mix. */
function parsePipe(cursor: Cursor): Expression {
  const first = parseOperation(cursor);
  const { kind: operator } = cursor.token;
  if (operator !== "|>" && operator !== "<|") return first;
  const operands = [{ operand: first, operatorAt: cursor.token.at }];
  while (cursor.token.kind === operator) {
    const operatorAt = cursor.token.at;
    cursor.advance();
    operands.push({ operand: parseOperation(cursor), operatorAt });
  }
  if (cursor.token.kind === "|>" || cursor.token.kind === "<|")
    throw fault("|> and <| in one chain", cursor.token.at, "set parentheses");
  const pipe = (left: Expression, right: Expression, operatorAt: Expression["at"]): Expression => ({
    kind: "binary",
    at: left.at,
    operator: operator satisfies BinaryOperator,
    operatorAt,
    left,
    right,
  });
  if (operator === "|>")
    return operands
      .slice(1)
      .reduce((left, { operand, operatorAt }) => pipe(left, operand, operatorAt), first);
  let right = operands.at(-1)!;
  for (const { operand, operatorAt } of operands.slice(0, -1).toReversed())
    right = { operand: pipe(operand, right.operand, right.operatorAt), operatorAt };
  return right.operand;
}
