/** What an evaluation printed, as values that checks judge. */
import { NixsealError } from "../../core/errors.ts";
import { Field } from "../../nix/json-fields.ts";
import { unknown, type Value } from "../configuration/value.ts";

export interface EvaluatedOption {
  readonly path: readonly string[];
  readonly value: Value;
}

const limits = { options: 20_000, names: 32, depth: 8, values: 500_000 } as const;

/** Strictly what `optionsExpression` gives: it ran over code of others. Throws `malformed` and `limit`. */
export function parseEvaluation(text: string): EvaluatedOption[] {
  const list = Field.parse(text, "evaluation").items();
  if (list.length > limits.options) throw new NixsealError("limit", `more than ${limits.options} options`);
  const budget = { left: limits.values };
  return list.map((field) => {
    const path = field.get("p").items();
    if (path.length === 0 || path.length > limits.names) throw field.get("p").wrong("the path of an option");
    return { path: path.map((name) => name.string()), value: valueOf(field.get("v"), 0, budget) };
  });
}

function valueOf(field: Field, depth: number, budget: { left: number }): Value {
  if (depth > limits.depth || --budget.left < 0) throw new NixsealError("limit", "an option is too large");
  const value = field.get("v");
  switch (field.get("t").string()) {
    case "b":
      return { kind: "bool", value: value.boolean() };
    case "n":
      if (typeof value.value !== "number") throw value.wrong("a number");
      return { kind: "number", value: value.value };
    case "z":
      return { kind: "null" };
    case "s":
      return { kind: "text", text: value.string(), whole: true };
    case "c":
      return { kind: "text", text: value.string(), whole: false };
    case "p":
      return { kind: "path", text: value.string() };
    case "l": {
      const items = value.items().map((item) => valueOf(item, depth + 1, budget));
      return { kind: "list", items, whole: field.get("w").boolean() };
    }
    case "a": {
      const entries = value
        .entries()
        .map(([name, inner]): [string, Value] => [name, valueOf(inner, depth + 1, budget)]);
      return { kind: "set", entries: new Map(entries), whole: field.get("w").boolean() };
    }
    case "u":
      return unknown;
    default:
      throw field.get("t").wrong("the kind of a value");
  }
}
