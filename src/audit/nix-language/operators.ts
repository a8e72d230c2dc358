import type { BinaryOperator, Expression, Position } from "./ast.ts";
import { parseAttrPath } from "./bindings.ts";
import { deepestNesting, type Cursor } from "./cursor.ts";
import { beyondLimit, fault } from "./faults.ts";
import { parseApplication } from "./primary.ts";

interface Rule {
  readonly operator: BinaryOperator;
  readonly binds: number;
  readonly associates: "left" | "right" | "not";
}

/** Nix's table (parser.y); a higher number binds tighter. `!` stands at 7, `?` at 11, the sign at 12. */
const rules: ReadonlyMap<string, Rule> = new Map(
  (
    [
      ["->", 1, "right"],
      ["||", 2, "left"],
      ["&&", 3, "left"],
      ["==", 4, "not"],
      ["!=", 4, "not"],
      ["<", 5, "not"],
      [">", 5, "not"],
      ["<=", 5, "not"],
      [">=", 5, "not"],
      ["//", 6, "right"],
      ["+", 8, "left"],
      ["-", 8, "left"],
      ["*", 9, "left"],
      ["/", 9, "left"],
      ["++", 10, "right"],
    ] as const
  ).map(([operator, binds, associates]) => [operator, { operator, binds, associates }]),
);

const not = 7;
const has = 11;
const sign = 12;

/** An operator whose right operand is not complete. */
type Pending =
  | { readonly kind: "unary"; readonly operator: "!" | "-"; readonly at: Position; readonly binds: number }
  | {
      readonly kind: "binary";
      readonly operator: BinaryOperator;
      readonly at: Position;
      readonly left: Expression;
      readonly binds: number;
    };

/**
 * expr_op, with a stack of its own in place of recursion: each decision is the one that Nix's generated parser takes
 * between shifting the next operator and reducing the last one.
 */
export function parseOperation(cursor: Cursor): Expression {
  const pending: Pending[] = [];
  for (;;) {
    parsePrefixes(cursor, pending);
    let left = parseApplication(cursor);
    for (; cursor.token.kind === "?"; left = parseHas(cursor, left)) left = reduce(pending, left, has);
    const { kind, at } = cursor.token;
    const rule = rules.get(kind);
    if (rule === undefined) return reduce(pending, left, 0);
    const { operator, binds, associates } = rule;
    left = reduce(pending, left, associates === "left" ? binds : binds + 1);
    if (associates === "not" && pending.at(-1)?.binds === binds)
      throw fault(`operator '${operator}' is not associative`, at, "set parentheses");
    pending.push({ kind: "binary", operator, at, left, binds });
    cursor.advance();
  }
}

function parsePrefixes(cursor: Cursor, pending: Pending[]): void {
  let prefixes = 0;
  for (;;) {
    const { kind, at } = cursor.token;
    if (kind !== "!" && kind !== "-") return;
    if (++prefixes > deepestNesting)
      throw beyondLimit(`more than ${deepestNesting} prefix operators in a row`, at, "remove pairs of them");
    pending.push({ kind: "unary", operator: kind, at, binds: kind === "!" ? not : sign });
    cursor.advance();
  }
}

function parseHas(cursor: Cursor, of: Expression): Expression {
  cursor.advance();
  return { kind: "has-attribute", at: of.at, of, path: parseAttrPath(cursor) };
}

/** Completes the pending operators that bind at least as tightly as `binds`. */
function reduce(pending: Pending[], operand: Expression, binds: number): Expression {
  let right = operand;
  for (let top = pending.at(-1); top !== undefined && top.binds >= binds; top = pending.at(-1)) {
    pending.pop();
    right =
      top.kind === "unary"
        ? { kind: "unary", at: top.at, operator: top.operator, operand: right }
        : {
            kind: "binary",
            at: top.left.at,
            operator: top.operator,
            operatorAt: top.at,
            left: top.left,
            right,
          };
  }
  return right;
}
