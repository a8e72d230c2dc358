import type { Binding, Expression, Lambda } from "../nix-language/ast.ts";
import type { Value } from "./value.ts";

/** A variable's expression with the scope that it is written in; its value is found at most once. */
export interface Bound {
  readonly expression: Expression;
  readonly scope: Scope;
  value?: Value;
}

/** The variables that the source binds. null: bound, but nothing is known (a function's argument). */
export class Scope {
  readonly #names = new Map<string, Bound | null>();
  readonly #outer: Scope | null;

  constructor(outer: Scope | null = null) {
    this.#outer = outer;
  }

  /** null and undefined both mean that nothing is known: an argument, or a name that `with` or Nix itself gives. */
  find(name: string): Bound | null | undefined {
    const bound = this.#names.get(name);
    return bound === undefined ? this.#outer?.find(name) : bound;
  }

  /** The scope in a `let` or a recursive set. */
  withBindings(bindings: readonly Binding[]): Scope {
    const inner = new Scope(this);
    for (const binding of bindings) {
      if (binding.kind === "inherit") {
        // `inherit x;` gives the x outside: not binding it here is the same. `inherit (from) x;` is not followed.
        if (binding.from !== null) for (const { name } of binding.names) inner.#names.set(name, null);
        continue;
      }
      const [first] = binding.path;
      if (first?.kind !== "name") continue;
      const alone = binding.path.length === 1 && !inner.#names.has(first.name);
      inner.#names.set(first.name, alone ? { expression: binding.value, scope: inner } : null);
    }
    return inner;
  }

  /** The scope in a function: its arguments hide what they are named like. */
  withArguments({ name, formals }: Lambda): Scope {
    const inner = new Scope(this);
    if (name !== null) inner.#names.set(name, null);
    for (const formal of formals?.list ?? []) inner.#names.set(formal.name, null);
    return inner;
  }
}
