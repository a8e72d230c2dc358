/**
 * Prints a syntax tree as `nix-instantiate --parse` of Nix 2.8 does: everything in parentheses, operators as calls of
 * the functions that they stand for, paths made absolute. What both print alike they understand alike.
 */
import { resolve } from "node:path";
import type {
  AttrName,
  AttrPath,
  Binding,
  BinaryOperation,
  Expression,
  Lambda,
  StringPart,
} from "../../../src/audit/nix-language/ast.ts";

export interface Places {
  readonly directory: string;
  readonly home: string;
}

export function nixForm(expression: Expression, places: Places): string {
  const show = (inner: Expression): string => nixForm(inner, places);
  const path = (names: AttrPath): string => names.map((name) => showName(name, show)).join(".");
  switch (expression.kind) {
    case "variable":
      return showId(expression.name);
    case "integer":
      return String(expression.value);
    case "float":
      return showFloat(expression.value);
    case "string":
      return concatenated(expression.parts, show);
    case "path":
      return pathForm(expression.parts, places, show);
    case "set":
      return `${expression.recursive ? "rec " : ""}${showSet(expression.bindings, show)}`;
    case "legacy-let":
      return `(rec ${showSet(expression.bindings, show)}).body`;
    case "list":
      return `[ ${expression.elements.map((element) => `(${show(element)}) `).join("")}]`;
    case "select":
      return `(${show(expression.of)}).${path(expression.path)}${
        expression.fallback === null ? "" : ` or (${show(expression.fallback)})`
      }`;
    case "has-attribute":
      return `((${show(expression.of)}) ? ${path(expression.path)})`;
    case "search-path":
      return `(__findFile __nixPath ${showString(expression.text)})`;
    case "call":
      return call(expression.callee, expression.arguments, show);
    case "unary":
      return expression.operator === "!"
        ? `(! ${show(expression.operand)})`
        : `(__sub 0 ${show(expression.operand)})`;
    case "binary":
      return showBinary(expression, show);
    case "lambda":
      return showLambda(expression, show);
    case "let":
      return `(let ${showBindings(expression.bindings, show)}in ${show(expression.body)})`;
    case "with":
      return `(with ${show(expression.scope)}; ${show(expression.body)})`;
    case "assert":
      return `assert ${show(expression.condition)}; ${show(expression.body)}`;
    case "if":
      break;
  }
  const { condition, consequent, alternate } = expression;
  return `(if ${show(condition)} then ${show(consequent)} else ${show(alternate)})`;
}

type Show = (expression: Expression) => string;

/** Nix makes one call of a call's call, and operators that are functions inside are calls too. */
function call(callee: Expression, list: readonly Expression[], show: Show): string {
  const function_ = show(callee);
  const isCall =
    callee.kind === "call" ||
    callee.kind === "search-path" ||
    (callee.kind === "unary" && callee.operator === "-") ||
    (callee.kind === "binary" && ["-", "*", "/", "<", ">"].includes(callee.operator));
  return `(${[isCall ? function_.slice(1, -1) : function_, ...list.map(show)].join(" ")})`;
}

const operatorFunctions: ReadonlyMap<string, string> = new Map([
  ["-", "__sub"],
  ["*", "__mul"],
  ["/", "__div"],
]);

function showBinary({ operator, left, right }: BinaryOperation, show: Show): string {
  const [a, b] = [show(left), show(right)];
  if (operator === "<") return `(__lessThan ${a} ${b})`;
  if (operator === ">") return `(__lessThan ${b} ${a})`;
  if (operator === "<=") return `(! (__lessThan ${b} ${a}))`;
  if (operator === ">=") return `(! (__lessThan ${a} ${b}))`;
  const name = operatorFunctions.get(operator);
  return name === undefined ? `(${a} ${operator} ${b})` : `(${name} ${a} ${b})`;
}

function showLambda({ name, formals, body }: Lambda, show: Show): string {
  const list = (formals?.list ?? []).map((formal) =>
    formal.fallback === null ? showId(formal.name) : `${showId(formal.name)} ? ${show(formal.fallback)}`,
  );
  const all = formals?.ellipsis === true ? [...list, "..."] : list;
  const argument = [
    ...(formals === null ? [] : [`{ ${all.join(", ")} }`]),
    ...(name === null ? [] : [showId(name)]),
  ];
  return `(${argument.join(" @ ")}: ${show(body)})`;
}

/** The bindings as Nix has merged them: `a.b = 1; a.c = 2;` is one attribute. */
class Merged {
  readonly recursive: boolean;
  readonly named = new Map<string, string | Merged>();
  readonly inherited = new Set<string>();
  readonly dynamic: { readonly name: string; readonly value: string | Merged }[] = [];

  constructor(recursive: boolean) {
    this.recursive = recursive;
  }
}

function merge(into: Merged, bindings: readonly Binding[], show: Show): Merged {
  for (const binding of bindings) {
    if (binding.kind === "inherit") {
      for (const { name } of binding.names) {
        if (binding.from === null) into.inherited.add(name);
        into.named.set(name, binding.from === null ? "" : `(${show(binding.from)}).${showId(name)}`);
      }
      continue;
    }
    let set = into;
    for (const name of binding.path.slice(0, -1)) set = nestedIn(set, name, show);
    const last = binding.path.at(-1)!;
    const { value } = binding;
    const existing = last.kind === "name" ? set.named.get(last.name) : undefined;
    if (value.kind === "set" && existing instanceof Merged) merge(existing, value.bindings, show);
    else {
      const form =
        value.kind === "set" ? merge(new Merged(value.recursive), value.bindings, show) : show(value);
      if (last.kind === "name") set.named.set(last.name, form);
      else set.dynamic.push({ name: showName(last, show), value: form });
    }
  }
  return into;
}

function nestedIn(set: Merged, name: AttrName, show: Show): Merged {
  const existing = name.kind === "name" ? set.named.get(name.name) : undefined;
  if (existing instanceof Merged) return existing;
  const nested = new Merged(false);
  if (name.kind === "name") set.named.set(name.name, nested);
  else set.dynamic.push({ name: showName(name, show), value: nested });
  return nested;
}

function showMerged(set: Merged): string {
  const shown = (value: string | Merged): string =>
    typeof value === "string" ? value : `${value.recursive ? "rec " : ""}{ ${showMerged(value)}}`;
  const named = [...set.named].map(([name, value]) =>
    set.inherited.has(name) ? `inherit ${showId(name)} ; ` : `${showId(name)} = ${shown(value)}; `,
  );
  return [...named, ...set.dynamic.map(({ name, value }) => `${name} = ${shown(value)}; `)].join("");
}

function showBindings(bindings: readonly Binding[], show: Show): string {
  return showMerged(merge(new Merged(false), bindings, show));
}

function showSet(bindings: readonly Binding[], show: Show): string {
  return `{ ${showBindings(bindings, show)}}`;
}

function showName(name: AttrName, show: Show): string {
  return name.kind === "name" ? showId(name.name) : `"\${${show(name.expression)}}"`;
}

function concatenated(parts: readonly StringPart[], show: Show): string {
  const [only] = parts;
  if (only === undefined) return '""';
  if (parts.length === 1 && only.kind === "text") return showString(only.text);
  return `(${parts.map((part) => (part.kind === "text" ? showString(part.text) : show(part.expression))).join(" + ")})`;
}

function pathForm(parts: readonly StringPart[], { directory, home }: Places, show: Show): string {
  const [first, ...others] = parts;
  const written = first?.kind === "text" ? first.text : "";
  // Nix's lexer ends the first piece behind a slash that another follows.
  const cut = written.includes("//") ? written.indexOf("//") + 1 : written.length;
  const text = written.slice(0, cut);
  const absolute = text.startsWith("~")
    ? `${home}${text.slice(1)}`
    : `${resolve(directory, text)}${text.endsWith("/") && text.length > 1 ? "/" : ""}`;
  if (others.length === 0) return absolute;
  const rest = cut < written.length ? [showString(written.slice(cut))] : [];
  const shown = others.map((part) => (part.kind === "text" ? showString(part.text) : show(part.expression)));
  return `(${[absolute, ...rest, ...shown].join(" + ")})`;
}

function showString(text: string): string {
  const escapes: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };
  return `"${text.replace(/["\\$\n\r\t]/g, (found) => escapes[found] ?? `\\${found}`)}"`;
}

function showId(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_'-]*$/.test(name) && name !== "if" ? name : showString(name);
}

/** A C++ stream's way: six significant digits. */
function showFloat(value: number): string {
  const [mantissa, exponent] = value.toExponential(5).split("e") as [string, string];
  const power = Number(exponent);
  const trimmed = (digits: string): string => (digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits);
  if (power >= -4 && power < 6) return trimmed(value.toFixed(5 - power));
  return `${trimmed(mantissa)}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}
