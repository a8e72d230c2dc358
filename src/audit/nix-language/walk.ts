import type { AttrPath, Binding, Expression, StringPart } from "./ast.ts";

/** Every expression of the tree, each before what is in it, in the order of the source. Needs no stack, however deep the tree. */
export function* walk(root: Expression): Generator<Expression, void, undefined> {
  const waiting: Expression[] = [root];
  for (let expression = waiting.pop(); expression !== undefined; expression = waiting.pop()) {
    yield expression;
    const children = childrenOf(expression);
    for (let index = children.length - 1; index >= 0; index--) waiting.push(children[index]!);
  }
}

/** The expressions directly inside one, in the order of the source. */
export function childrenOf(expression: Expression): Expression[] {
  switch (expression.kind) {
    case "variable":
    case "integer":
    case "float":
    case "search-path":
      return [];
    case "string":
    case "path":
      return inParts(expression.parts);
    case "set":
    case "legacy-let":
      return inBindings(expression.bindings);
    case "list":
      return [...expression.elements];
    case "select":
      return [expression.of, ...inPath(expression.path), ...present(expression.fallback)];
    case "has-attribute":
      return [expression.of, ...inPath(expression.path)];
    case "call":
      return [expression.callee, ...expression.arguments];
    case "unary":
      return [expression.operand];
    case "binary":
      return [expression.left, expression.right];
    case "lambda":
      return [
        ...(expression.formals?.list ?? []).flatMap((formal) => present(formal.fallback)),
        expression.body,
      ];
    case "let":
      return [...inBindings(expression.bindings), expression.body];
    case "with":
      return [expression.scope, expression.body];
    case "assert":
      return [expression.condition, expression.body];
    case "if":
      break;
  }
  return [expression.condition, expression.consequent, expression.alternate];
}

function present(expression: Expression | null): Expression[] {
  return expression === null ? [] : [expression];
}

function inParts(parts: readonly StringPart[]): Expression[] {
  return parts.flatMap((part) => (part.kind === "interpolation" ? [part.expression] : []));
}

function inPath(path: AttrPath): Expression[] {
  return path.flatMap((name) => (name.kind === "dynamic-name" ? [name.expression] : []));
}

function inBindings(bindings: readonly Binding[]): Expression[] {
  return bindings.flatMap((binding) =>
    binding.kind === "inherit" ? present(binding.from) : [...inPath(binding.path), binding.value],
  );
}
