import { limits } from "../limits.ts";
import type { AttrSet, Expression, Position } from "../nix-language/ast.ts";
import { evaluate, Fuel } from "./evaluate.ts";
import { moduleFunction, plainPriority } from "./module-functions.ts";
import { Scope } from "./scope.ts";
import { hole, unknown, type Value } from "./value.ts";

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
}

const deepest = 96;
const most = 50_000;

/**
 * Everything that a file defines, as option paths. `mkIf`, `mkMerge`, `mkForce` and their like are understood, `let`
 * is looked up, and modules are found wherever they are written: `modules = [ { … } ]`, `lufta = { … }: { … }`.
 * Of two definitions of one path in one file, the one that the module system would drop is dropped.
 */
export function definitionsOf(root: Expression): { definitions: Definition[]; complete: boolean } {
  const collector = new Collector();
  collector.collect(root, {
    path: [],
    at: root.at,
    scope: new Scope(),
    conditional: false,
    priority: plainPriority,
    depth: 0,
  });
  return { definitions: withoutOverridden(collector.found), complete: !collector.fuel.empty };
}

class Collector {
  readonly found: Definition[] = [];
  readonly fuel = new Fuel(limits.steps);

  collect(expression: Expression, now: Situation): void {
    if (now.depth > deepest || this.found.length >= most || !this.fuel.burn()) return;
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
        if (expression.operator === "//") return this.#update(expression.left, expression.right, next);
        return this.#leaf(expression, now, false);
      case "variable": {
        const bound = now.scope.find(expression.name);
        if (bound === null || bound === undefined || !opens(bound.expression))
          return this.#leaf(expression, now, false);
        return this.collect(bound.expression, { ...next, scope: bound.scope });
      }
      case "call":
        return this.#call(expression, now, next);
      case "list": {
        this.#leaf(expression, now, true);
        for (const element of expression.elements)
          if (opens(element)) this.collect(element, { ...next, path: [...now.path, "[]"] });
        return;
      }
      case "integer":
      case "float":
      case "string":
      case "path":
      case "search-path":
      case "legacy-let":
      case "select":
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
          const variable: Expression =
            binding.from === null
              ? { kind: "variable", at, name }
              : { kind: "select", at, of: binding.from, path: [{ kind: "name", at, name }], fallback: null };
          this.collect(variable, { ...now, path: [...now.path, name], at });
        }
        continue;
      }
      const names = binding.path.map((name) => (name.kind === "name" ? name.name : hole));
      this.collect(binding.value, { ...now, path: [...now.path, ...names], at: binding.at, scope });
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

  /** `left // right`: what the right names at its top replaces all of that name in the left. */
  #update(left: Expression, right: Expression, next: Situation): void {
    const before = this.found.length;
    this.collect(right, next);
    const depth = next.path.length;
    const replaced = new Set(
      this.found
        .slice(before)
        .filter((one) => !one.conditional)
        .map((one) => one.path[depth]),
    );
    const start = this.found.length;
    this.collect(left, next);
    const kept = this.found.splice(start).filter((one) => !replaced.has(one.path[depth]));
    this.found.push(...kept);
  }

  #call(expression: Expression & { kind: "call" }, now: Situation, next: Situation): void {
    const meaning = moduleFunction(expression);
    if (meaning?.kind === "merge") return meaning.values.forEach((value) => this.collect(value, next));
    if (meaning?.kind === "wrapped")
      return this.collect(meaning.value, { ...next, priority: meaning.priority ?? now.priority });
    if (meaning?.kind === "conditional" && meaning.gives === "definitions") {
      const condition = evaluate(meaning.condition, now.scope, this.fuel);
      if (condition.kind === "bool" && !condition.value) return;
      return this.collect(meaning.value, {
        ...next,
        conditional: now.conditional || condition.kind !== "bool",
      });
    }
    if (meaning !== null) return this.#leaf(expression, now, false);
    const open = expression.arguments.filter(opens);
    this.#leaf(expression, now, open.length > 0);
    for (const argument of open) this.collect(argument, next);
  }

  #leaf(
    expression: Expression,
    { path, at, scope, conditional, priority }: Situation,
    opened: boolean,
  ): void {
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

/** Whether definitions may lie in it. */
function opens({ kind }: Expression): boolean {
  return (
    kind === "set" ||
    kind === "lambda" ||
    kind === "call" ||
    kind === "let" ||
    kind === "with" ||
    kind === "list"
  );
}

/** The module system takes the definitions of the strongest priority and forgets the others. */
function withoutOverridden(definitions: readonly Definition[]): Definition[] {
  if (definitions.every(({ priority }) => priority === plainPriority)) return [...definitions];
  const strongest = new Map<string, number>();
  for (const { path, priority, conditional } of definitions) {
    if (conditional) continue;
    const key = path.join("\0");
    strongest.set(key, Math.min(priority, strongest.get(key) ?? Infinity));
  }
  return definitions.filter(({ path, priority }) => priority <= (strongest.get(path.join("\0")) ?? Infinity));
}
