import type { Call, Expression } from "../nix-language/ast.ts";
import type { Scope } from "./scope.ts";

/** Functions of nixpkgs' lib that say how a definition counts, by their last name: `lib.mkForce`, `mkForce`. */
export type ModuleFunction =
  | { readonly kind: "wrapped"; readonly value: Expression; readonly priority: number | null }
  | {
      readonly kind: "conditional";
      readonly condition: Expression;
      readonly value: Expression;
      /** `item` is put into a list; `definitions` may hold options. */
      readonly gives: "definitions" | "value" | "item";
    }
  | { readonly kind: "merge"; readonly values: readonly Expression[] };

// lib/modules.nix: the smaller number wins; 100 is a definition without any.
export const plainPriority = 100;
const priorities: Readonly<Record<string, number>> = {
  mkForce: 50,
  mkVMOverride: 10,
  mkDefault: 1000,
  mkOptionDefault: 1500,
  mkImageMediaOverride: 60,
};
const ordered: ReadonlySet<string> = new Set([
  "mkBefore",
  "mkAfter",
  "mkOverride",
  "mkOrder",
  "mkDefinition",
]);

const conditionals: Readonly<Record<string, "definitions" | "value" | "item" | undefined>> = {
  mkIf: "definitions",
  optionalAttrs: "definitions",
  optionals: "value",
  optionalString: "value",
  optional: "item",
};

/** What a call means in a module, or null for a function that is not known. */
export function moduleFunction(call: Call, scope: Scope): ModuleFunction | null {
  const name = lastName(call.callee);
  const [first, second] = call.arguments;
  if (name === null || first === undefined || isOwn(call.callee, scope)) return null;
  if (Object.hasOwn(priorities, name) && second === undefined)
    return { kind: "wrapped", value: first, priority: priorities[name]! };
  if (ordered.has(name)) {
    const value = second ?? first;
    const number = name === "mkOverride" && first.kind === "integer" ? Number(first.value) : null;
    return { kind: "wrapped", value, priority: number };
  }
  if (name === "mkMerge" && first.kind === "list") return { kind: "merge", values: first.elements };
  if ((name === "recursiveUpdate" || name === "mergeAttrs") && second !== undefined)
    return { kind: "merge", values: [first, second] };
  if (second === undefined) return null;
  const gives = Object.hasOwn(conditionals, name) ? conditionals[name] : undefined;
  return gives === undefined ? null : { kind: "conditional", condition: first, value: second, gives };
}

/** A file may give its own function the name of one in lib, and hide what it likes behind `mkIf false`. */
function isOwn(callee: Expression, scope: Scope): boolean {
  const base = callee.kind === "select" ? callee.of : callee;
  const bound = base.kind === "variable" ? scope.find(base.name) : null;
  return bound?.expression.kind === "lambda" || bound?.expression.kind === "set";
}

/** `c` of `a.b.c`, or of `c` itself. */
export function lastName(expression: Expression): string | null {
  if (expression.kind === "variable") return expression.name;
  if (expression.kind !== "select") return null;
  const last = expression.path.at(-1)!;
  return last.kind === "name" ? last.name : null;
}
