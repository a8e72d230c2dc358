import type { BinaryOperation, Expression } from "../nix-language/ast.ts";

/** `a // b // c`: all of a chain, in the order of the file, without recursion: it is as long as somebody wants. */
export function operandsOf(chain: BinaryOperation): Expression[] {
  const operands: Expression[] = [];
  const waiting: Expression[] = [chain];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop())
    if (next.kind === "binary" && next.operator === chain.operator) waiting.push(next.right, next.left);
    else operands.push(next);
  return operands;
}

/** Whether definitions may lie in it. */
export function opens(expression: Expression): boolean {
  const { kind } = expression;
  if (kind === "binary") return ["//", "++", "|>", "<|"].includes(expression.operator);
  return (
    kind === "set" ||
    kind === "lambda" ||
    kind === "call" ||
    kind === "let" ||
    kind === "with" ||
    kind === "list" ||
    kind === "legacy-let"
  );
}

/** In a list nothing else stands for the option itself, so that each branch may be looked into. */
export function opensAsElement(expression: Expression): boolean {
  return opens(expression) || expression.kind === "if" || expression.kind === "assert";
}
