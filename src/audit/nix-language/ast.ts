/**
 * The syntax tree of a Nix expression, as written: nothing is evaluated, variables are not looked up, and the
 * bindings of an attribute set stand in the order of the file. Parentheses leave no node.
 *
 * Nesting is bounded by the parser, but a chain of binary operators (`a ++ b ++ c …`) is as deep as it is long. Code
 * that visits whole trees takes `walk` (walk.ts), which needs no stack.
 */

/** A place in the source. Bytes, as Nix counts: a column is the number of bytes since the line began, plus one. */
export interface Position {
  readonly offset: number;
  readonly line: number;
  readonly column: number;
}

interface Node {
  readonly at: Position;
}

export type Expression =
  | Variable
  | IntegerLiteral
  | FloatLiteral
  | StringLiteral
  | PathLiteral
  | SearchPath
  | AttrSet
  | LegacyLet
  | List
  | Select
  | HasAttribute
  | Call
  | UnaryOperation
  | BinaryOperation
  | Lambda
  | Let
  | With
  | Assert
  | If;

/** A name; also `__curPos`, and `or` where it stands behind an expression (`map or [ … ]` calls a function so named). */
export interface Variable extends Node {
  readonly kind: "variable";
  readonly name: string;
}

/** At most 2^63 - 1. A minus sign is an operator. */
export interface IntegerLiteral extends Node {
  readonly kind: "integer";
  readonly value: bigint;
}

export interface FloatLiteral extends Node {
  readonly kind: "float";
  readonly value: number;
}

/** `"…"`, `''…''` (indentation removed as Nix does) or a bare URI. */
export interface StringLiteral extends Node {
  readonly kind: "string";
  readonly form: "quoted" | "indented" | "uri";
  /** Text is never empty and never beside text; no parts at all is the empty string. */
  readonly parts: readonly StringPart[];
}

export type StringPart = TextPart | Interpolation;

/** Text with escapes resolved. Bytes that are not UTF-8 read as U+FFFD. */
export interface TextPart extends Node {
  readonly kind: "text";
  readonly text: string;
}

export interface Interpolation extends Node {
  readonly kind: "interpolation";
  readonly expression: Expression;
}

/** A path as written, not resolved. The first part is text: `./a/`, `/etc`, `~/x`. */
export interface PathLiteral extends Node {
  readonly kind: "path";
  readonly form: "absolute" | "relative" | "home";
  readonly parts: readonly StringPart[];
}

/** `<nixpkgs/lib>`: `text` is `nixpkgs/lib`. */
export interface SearchPath extends Node {
  readonly kind: "search-path";
  readonly text: string;
}

export interface AttrSet extends Node {
  readonly kind: "set";
  readonly recursive: boolean;
  readonly bindings: readonly Binding[];
}

/** `let { body = …; }`: means `(rec { … }).body`. */
export interface LegacyLet extends Node {
  readonly kind: "legacy-let";
  readonly bindings: readonly Binding[];
}

export type Binding = AttrBinding | Inherit;

/** `a.b."c".${d} = value;` */
export interface AttrBinding extends Node {
  readonly kind: "binding";
  readonly path: AttrPath;
  readonly value: Expression;
}

/** `inherit a b;` or `inherit (from) a b;` */
export interface Inherit extends Node {
  readonly kind: "inherit";
  readonly from: Expression | null;
  readonly names: readonly StaticName[];
}

/** Never empty. */
export type AttrPath = readonly AttrName[];

export type AttrName = StaticName | DynamicName;

/** A name known from the source alone: `a`, `"a b"`, `${"a"}`. */
export interface StaticName extends Node {
  readonly kind: "name";
  readonly name: string;
}

/** A name that evaluation finds: `${a}`, `"a${b}"`. */
export interface DynamicName extends Node {
  readonly kind: "dynamic-name";
  readonly expression: Expression;
}

export interface List extends Node {
  readonly kind: "list";
  readonly elements: readonly Expression[];
}

/** `of.path` or `of.path or fallback`. */
export interface Select extends Node {
  readonly kind: "select";
  readonly of: Expression;
  readonly path: AttrPath;
  readonly fallback: Expression | null;
}

/** `of ? path`. */
export interface HasAttribute extends Node {
  readonly kind: "has-attribute";
  readonly of: Expression;
  readonly path: AttrPath;
}

/** `callee a b`: never without arguments. */
export interface Call extends Node {
  readonly kind: "call";
  readonly callee: Expression;
  readonly arguments: readonly Expression[];
}

export interface UnaryOperation extends Node {
  readonly kind: "unary";
  readonly operator: "!" | "-";
  readonly operand: Expression;
}

/** `at` is the left operand's beginning, `operatorAt` the operator's. */
export interface BinaryOperation extends Node {
  readonly kind: "binary";
  readonly operator: BinaryOperator;
  readonly operatorAt: Position;
  readonly left: Expression;
  readonly right: Expression;
}

export type BinaryOperator =
  | "->"
  | "||"
  | "&&"
  | "=="
  | "!="
  | "<"
  | ">"
  | "<="
  | ">="
  | "//"
  | "+"
  | "-"
  | "*"
  | "/"
  | "++"
  | "|>"
  | "<|";

/** `name: body`, `{ a, b ? c, ... }: body`, and both with `@`. At least one of `name` and `formals` is there. */
export interface Lambda extends Node {
  readonly kind: "lambda";
  readonly name: string | null;
  readonly formals: Formals | null;
  readonly body: Expression;
}

export interface Formals {
  readonly list: readonly Formal[];
  readonly ellipsis: boolean;
}

export interface Formal extends Node {
  readonly kind: "formal";
  readonly name: string;
  readonly fallback: Expression | null;
}

export interface Let extends Node {
  readonly kind: "let";
  readonly bindings: readonly Binding[];
  readonly body: Expression;
}

export interface With extends Node {
  readonly kind: "with";
  readonly scope: Expression;
  readonly body: Expression;
}

export interface Assert extends Node {
  readonly kind: "assert";
  readonly condition: Expression;
  readonly body: Expression;
}

export interface If extends Node {
  readonly kind: "if";
  readonly condition: Expression;
  readonly consequent: Expression;
  readonly alternate: Expression;
}
