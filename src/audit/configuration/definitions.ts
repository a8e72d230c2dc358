import { limits } from "../limits.ts";
import type { AttrName, AttrSet, BinaryOperation, Expression, Position } from "../nix-language/ast.ts";
import { evaluate, Fuel } from "./evaluate.ts";
import { moduleFunction, plainPriority } from "./module-functions.ts";
import { opens, opensAsElement, operandsOf } from "./openings.ts";
import { withoutOverridden } from "./overridden.ts";
import { Scope, type Bound } from "./scope.ts";
import { hole, unknown, wholeText, type Value } from "./value.ts";

/** One `option.path = value;` of a file. */
export interface Definition {
  /** From the top of the file, `hole` for computed names. Modules that lie inside something else have its path in front. */
  readonly path: readonly string[];
  readonly at: Position;
  readonly expression: Expression;
  /** Whether it holds only under a condition that the file does not decide. */
  readonly conditional: boolean;
  /** As in nixpkgs' lib: the smallest wins. */
  readonly priority: number;
  /** Whether there is more below: an argument of a function, an element of a list. */
  readonly opened: boolean;
  /** Found when it is asked for. */
  readonly value: Value;
}

interface Situation {
  readonly path: readonly string[];
  readonly at: Position;
  readonly scope: Scope;
  readonly conditional: boolean;
  readonly priority: number;
  readonly depth: number;
  /** The value that stands here is part of one that was told of already; what lies in it was not. */
  readonly told: boolean;
}

const deepest = 96;
const most = 200_000;

/**
 * Everything that a file defines, as option paths. `mkIf`, `mkMerge`, `mkForce` and their like are understood, `let`
 * is looked up, and modules are found wherever they are written: `modules = [ { … } ]`, `lufta = { … }: { … }`.
 * Of two definitions of one path in one file, the one that the module system would drop is dropped. `complete` is false
 * when a limit kept something from being looked at; `size` is the file's, in bytes: large ones may take longer.
 */
export function definitionsOf(root: Expression, size = 0): { definitions: Definition[]; complete: boolean } {
  const collector = new Collector(new Fuel(limits.steps + (size >> 3)));
  collector.collect(root, {
    path: [],
    at: root.at,
    scope: new Scope(),
    conditional: false,
    priority: plainPriority,
    depth: 0,
    told: false,
  });
  return { definitions: withoutOverridden(collector.found), complete: !collector.cut };
}

class Collector {
  readonly found: Definition[] = [];
  readonly fuel: Fuel;
  cut = false;
  readonly #following = new Set<Bound>();

  constructor(fuel: Fuel) {
    this.fuel = fuel;
  }

  collect(expression: Expression, now: Situation): void {
    if (now.depth > deepest || this.found.length >= most || !this.fuel.burn()) {
      this.cut = true;
      return;
    }
    const next: Situation = { ...now, depth: now.depth + 1 };
    switch (expression.kind) {
      case "set":
        return this.#set(expression, next);
      case "lambda":
        return this.collect(expression.body, { ...next, scope: now.scope.withArguments(expression) });
      case "let":
        return this.collect(expression.body, { ...next, scope: now.scope.withBindings(expression.bindings) });
      case "with":
      case "assert":
        return this.collect(expression.body, next);
      case "if":
        return this.#either(expression, next);
      case "binary":
        return this.#binary(expression, now, next);
      case "variable": {
        const bound = now.scope.find(expression.name);
        // What holds itself (`self.override = _: self`) says the same again further down.
        if (!bound || !opens(bound.expression) || this.#following.has(bound)) break;
        this.#following.add(bound);
        this.collect(bound.expression, { ...next, scope: bound.scope });
        return void this.#following.delete(bound);
      }
      case "call":
        return this.#call(expression, now, next);
      case "list": {
        this.#leaf(expression, now, true);
        return this.#elements(expression.elements, next);
      }
      case "legacy-let":
        return this.collect({ ...expression, kind: "let", body: variable("body", expression.at) }, next);
      case "select":
        return this.#select(expression, now, next);
      case "integer":
      case "float":
      case "string":
      case "path":
      case "search-path":
      case "has-attribute":
      case "unary":
        break;
    }
    this.#leaf(expression, now, false);
  }

  #set(expression: AttrSet, now: Situation): void {
    const scope = expression.recursive ? now.scope.withBindings(expression.bindings) : now.scope;
    for (const binding of expression.bindings) {
      if (binding.kind === "inherit") {
        for (const { name, at } of binding.names) {
          const from: Expression =
            binding.from === null
              ? variable(name, at)
              : { kind: "select", at, of: binding.from, path: [{ kind: "name", at, name }], fallback: null };
          this.collect(from, { ...now, path: [...now.path, name], at, told: false });
        }
        continue;
      }
      const names = binding.path.map((name) => this.#name(name, scope));
      const path = [...now.path, ...names];
      this.collect(binding.value, { ...now, path, at: binding.at, scope, told: false });
    }
  }

  #either(expression: Expression & { kind: "if" }, next: Situation): void {
    const condition = evaluate(expression.condition, next.scope, this.fuel);
    const known = condition.kind === "bool";
    if (!known || condition.value)
      this.collect(expression.consequent, { ...next, conditional: next.conditional || !known });
    if (!known || !condition.value)
      this.collect(expression.alternate, { ...next, conditional: next.conditional || !known });
  }

  #name(name: AttrName, scope: Scope): string {
    if (name.kind === "name") return name.name;
    return wholeText(evaluate(name.expression, scope, this.fuel)) ?? hole;
  }

  #binary(expression: BinaryOperation, now: Situation, next: Situation): void {
    const { operator } = expression;
    if (operator === "//") return this.#update(operandsOf(expression), next);
    const joins = operator === "++" || operator === "|>" || operator === "<|";
    const open = joins ? operandsOf(expression).filter(opensAsElement) : [];
    this.#leaf(expression, now, open.length > 0 && operator !== "++");
    for (const operand of open) this.collect(operand, { ...next, told: operator === "++" });
  }

  /** `left // right`: what the right names at its top replaces all of that name in the left. */
  #update(operands: readonly Expression[], next: Situation): void {
    const depth = next.path.length;
    const replaced = new Set<string>();
    for (const operand of operands.toReversed()) {
      const start = this.found.length;
      this.collect(operand, next);
      const kept = this.found.splice(start).filter((one) => !replaced.has(one.path[depth] ?? ""));
      for (const { path, conditional } of kept)
        if (!conditional && path[depth] !== undefined) replaced.add(path[depth]);
      for (const one of kept) this.found.push(one);
    }
  }

  #elements(elements: readonly Expression[], next: Situation): void {
    for (const element of elements)
      if (opensAsElement(element))
        this.collect(element, { ...next, path: [...next.path, "[]"], told: false });
  }

  /** A set that is written elsewhere in the file is as good as written here. */
  #select(expression: Expression & { kind: "select" }, now: Situation, next: Situation): void {
    const value = evaluate(expression, now.scope, this.fuel);
    if (value.kind === "set") this.#entries(value, expression, now);
    else this.#leaf(expression, now, false);
    if (expression.fallback !== null && opens(expression.fallback))
      this.collect(expression.fallback, { ...next, conditional: true });
  }

  #entries(
    value: Value,
    expression: Expression,
    { path, at, conditional, priority }: Pick<Definition, "path" | "at" | "conditional" | "priority">,
  ): void {
    if (this.found.length >= most || !this.fuel.burn()) {
      this.cut = true;
      return;
    }
    if (value.kind !== "set")
      this.found.push({ path, at, expression, conditional, priority, opened: false, value });
    else
      for (const [name, inner] of value.entries)
        this.#entries(inner, expression, { path: [...path, name], at, conditional, priority });
  }

  #call(expression: Expression & { kind: "call" }, now: Situation, next: Situation): void {
    const meaning = moduleFunction(expression, now.scope);
    if (meaning?.kind === "merge") return meaning.values.forEach((value) => this.collect(value, next));
    if (meaning?.kind === "wrapped")
      return this.collect(meaning.value, { ...next, priority: meaning.priority ?? now.priority });
    if (meaning?.kind === "conditional") {
      const { gives, value } = meaning;
      if (gives !== "definitions") this.#leaf(expression, now, false);
      const condition = evaluate(meaning.condition, now.scope, this.fuel);
      if (condition.kind === "bool" && !condition.value) return;
      const within = { ...next, conditional: now.conditional || condition.kind !== "bool" };
      if (gives === "definitions") return this.collect(value, within);
      return this.#elements(gives === "item" ? [value] : value.kind === "list" ? value.elements : [], within);
    }
    const open = expression.arguments.filter(opens);
    this.#leaf(expression, now, open.length > 0);
    for (const argument of open) this.collect(argument, next);
  }

  #leaf(
    expression: Expression,
    { path, at, scope, conditional, priority, told }: Situation,
    opened: boolean,
  ): void {
    if (told) return;
    const { fuel } = this;
    let value: Value | undefined;
    this.found.push({
      path,
      at,
      expression,
      conditional,
      priority,
      opened,
      get value() {
        return (value ??= fuel.empty ? unknown : evaluate(expression, scope, fuel));
      },
    });
  }
}

function variable(name: string, at: Position): Expression {
  return { kind: "variable", at, name };
}
