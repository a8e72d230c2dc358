import type { AttrSet, BinaryOperation, Call, Expression, StringPart } from "../nix-language/ast.ts";
import { moduleFunction } from "./module-functions.ts";
import { Scope } from "./scope.ts";
import { hole, unknown, type Value } from "./value.ts";

const deepest = 64;
// `let a = b + b; b = c + c; …` doubles with each line: what is longer than any option's value is unknown.
const longestText = 1 << 20;
const longestList = 10_000;

/** Counts the work done for one file, so that no source can make an audit run for ever. */
export class Fuel {
  #left: number;

  constructor(steps: number) {
    this.#left = steps;
  }

  /** False when there is none left: what follows is unknown. */
  burn(cost = 1): boolean {
    this.#left -= cost;
    return this.#left >= 0;
  }

  get empty(): boolean {
    return this.#left <= 0;
  }
}

/** The value of an expression as far as the file alone tells. Nothing is read and no function is run. */
export function evaluate(expression: Expression, scope: Scope, fuel: Fuel, depth = 0): Value {
  if (depth > deepest || !fuel.burn()) return unknown;
  const inner = (child: Expression, within = scope): Value => evaluate(child, within, fuel, depth + 1);
  switch (expression.kind) {
    case "integer":
      return { kind: "number", value: Number(expression.value) };
    case "float":
      return { kind: "number", value: expression.value };
    case "string":
      return bounded({ kind: "text", ...joined(expression.parts, inner) }, fuel);
    case "path":
      return bounded({ kind: "path", text: joined(expression.parts, inner).text }, fuel);
    case "search-path":
      return { kind: "path", text: `<${expression.text}>` };
    case "variable":
      return variable(expression.name, scope, fuel, depth);
    case "list":
      return { kind: "list", items: expression.elements.map((element) => inner(element)), whole: true };
    case "set":
      return set(expression, scope, inner);
    case "select":
      return selected(inner(expression.of), expression.path);
    case "let":
      return inner(expression.body, scope.withBindings(expression.bindings));
    case "with":
    case "assert":
      return inner(expression.body);
    case "if": {
      const condition = inner(expression.condition);
      if (condition.kind !== "bool") return unknown;
      return inner(condition.value ? expression.consequent : expression.alternate);
    }
    case "call":
      return called(expression, scope, inner);
    case "unary": {
      const operand = inner(expression.operand);
      if (expression.operator === "!")
        return operand.kind === "bool" ? { kind: "bool", value: !operand.value } : unknown;
      return operand.kind === "number" ? { kind: "number", value: -operand.value } : unknown;
    }
    case "binary":
      return bounded(operated(expression, inner), fuel);
    case "lambda":
    case "has-attribute":
    case "legacy-let":
      break;
  }
  return unknown;
}

/** What was put together costs by its size, and nothing grows without end. */
function bounded(value: Value, fuel: Fuel): Value {
  if (value.kind === "text" || value.kind === "path")
    return value.text.length <= longestText && fuel.burn(value.text.length >> 8) ? value : unknown;
  if (value.kind === "list")
    return value.items.length <= longestList && fuel.burn(value.items.length >> 4) ? value : unknown;
  if (value.kind === "set")
    return value.entries.size <= longestList && fuel.burn(value.entries.size >> 4) ? value : unknown;
  return value;
}

type Inner = (child: Expression, within?: Scope) => Value;

function joined(parts: readonly StringPart[], inner: Inner): { text: string; whole: boolean } {
  let text = "";
  let whole = true;
  for (const part of parts) {
    const value: Value =
      part.kind === "text" ? { kind: "text", text: part.text, whole: true } : inner(part.expression);
    if ((value.kind === "text" || value.kind === "path") && text.length <= longestText) text += value.text;
    else text += hole;
    if (value.kind !== "text" || !value.whole) whole = false;
  }
  return { text, whole };
}

function variable(name: string, scope: Scope, fuel: Fuel, depth: number): Value {
  const bound = scope.find(name);
  if (bound === undefined) {
    if (name === "true" || name === "false") return { kind: "bool", value: name === "true" };
    return name === "null" ? { kind: "null" } : unknown;
  }
  if (bound === null) return unknown;
  if (bound.value === undefined) {
    bound.value = unknown; // what refers to itself has no value
    bound.value = evaluate(bound.expression, bound.scope, fuel, depth + 1);
  }
  return bound.value;
}

function set(expression: AttrSet, scope: Scope, inner: Inner): Value {
  const within = expression.recursive ? scope.withBindings(expression.bindings) : scope;
  const entries = new Map<string, Value>();
  let whole = true;
  for (const binding of expression.bindings) {
    if (binding.kind === "inherit") {
      for (const { name, at } of binding.names)
        entries.set(name, binding.from === null ? inner({ kind: "variable", name, at }) : unknown);
      continue;
    }
    const [first, ...rest] = binding.path;
    if (first?.kind !== "name") whole = false;
    else if (rest.length === 0) entries.set(first.name, inner(binding.value, within));
    else {
      const tail: AttrSet = {
        kind: "set",
        at: first.at,
        recursive: false,
        bindings: [{ kind: "binding", at: binding.at, path: rest, value: binding.value }],
      };
      entries.set(first.name, merged(entries.get(first.name), inner(tail, within)));
    }
  }
  return { kind: "set", entries, whole };
}

/** `a.b = 1; a.c = 2;` is one set a. */
function merged(first: Value | undefined, second: Value): Value {
  if (first?.kind !== "set" || second.kind !== "set") return first === undefined ? second : unknown;
  const entries = new Map(first.entries);
  for (const [name, value] of second.entries) entries.set(name, merged(entries.get(name), value));
  return { kind: "set", entries, whole: first.whole && second.whole };
}

function selected(of: Value, path: (Expression & { kind: "select" })["path"]): Value {
  let value = of;
  for (const name of path) {
    if (value.kind !== "set" || name.kind !== "name") return unknown;
    value = value.entries.get(name.name) ?? unknown;
  }
  return value;
}

function called(call: Call, scope: Scope, inner: Inner): Value {
  const meaning = moduleFunction(call, scope);
  if (meaning?.kind === "wrapped") return inner(meaning.value);
  if (meaning?.kind !== "conditional") return unknown;
  const condition = inner(meaning.condition);
  const value = inner(meaning.value);
  const items = meaning.gives === "item" ? [value] : value.kind === "list" ? value.items : null;
  if (condition.kind === "bool" && condition.value)
    return meaning.gives === "item" && items !== null ? { kind: "list", items, whole: true } : value;
  // What may be there counts as there; what may be missing makes the list incomplete.
  const never = condition.kind === "bool";
  return items === null ? unknown : { kind: "list", items: never ? [] : items, whole: never };
}

function operated({ operator, left, right }: BinaryOperation, inner: Inner): Value {
  const [a, b] = [inner(left), inner(right)];
  if (operator === "++") {
    const items = [a, b].flatMap((side) => (side.kind === "list" ? side.items : []));
    const whole = [a, b].every((side) => side.kind === "list" && side.whole);
    return items.length === 0 && !whole ? unknown : { kind: "list", items, whole };
  }
  if (operator === "+" && a.kind === "text" && b.kind === "text")
    return { kind: "text", text: a.text + b.text, whole: a.whole && b.whole };
  if (operator === "//" && a.kind === "set" && b.kind === "set")
    return { kind: "set", entries: new Map([...a.entries, ...b.entries]), whole: a.whole && b.whole };
  if (a.kind !== "bool" || b.kind !== "bool") return unknown;
  if (operator === "&&") return { kind: "bool", value: a.value && b.value };
  return operator === "||" ? { kind: "bool", value: a.value || b.value } : unknown;
}
