/** Prints a syntax tree as source that reads back as the same tree; every operand that could need parentheses has them. */
import type {
  AttrName,
  AttrPath,
  Binding,
  Expression,
  Formals,
  StringPart,
} from "../../../src/audit/nix-language/ast.ts";

export function print(expression: Expression): string {
  switch (expression.kind) {
    case "variable":
      return expression.name;
    case "integer":
      return String(expression.value);
    case "float":
      return printFloat(expression.value);
    case "string":
      return expression.form === "uri" ? textOf(expression.parts) : `"${inQuotes(expression.parts)}"`;
    case "path":
      return expression.parts
        .map((part) => (part.kind === "text" ? part.text : `\${${print(part.expression)}}`))
        .join("");
    case "search-path":
      return `<${expression.text}>`;
    case "set":
      return `${expression.recursive ? "rec " : ""}{ ${bindings(expression.bindings)} }`;
    case "legacy-let":
      return `let { ${bindings(expression.bindings)} }`;
    case "list":
      return `[ ${expression.elements.map(operand).join(" ")} ]`;
    case "select": {
      const { of, path, fallback } = expression;
      return `${operand(of)}.${attrPath(path)}${fallback === null ? "" : ` or ${operand(fallback)}`}`;
    }
    case "has-attribute":
      return `${operand(expression.of)} ? ${attrPath(expression.path)}`;
    case "call":
      return [expression.callee, ...expression.arguments].map(operand).join(" ");
    case "unary":
      return `${expression.operator} ${operand(expression.operand)}`;
    case "binary":
      return `${operand(expression.left)} ${expression.operator} ${operand(expression.right)}`;
    case "lambda": {
      const { name, formals, body } = expression;
      const all = formals === null ? name : `${formalSet(formals)}${name === null ? "" : `@${name}`}`;
      return `${all}: ${print(body)}`;
    }
    case "let":
      return `let ${bindings(expression.bindings)} in ${print(expression.body)}`;
    case "with":
      return `with ${print(expression.scope)}; ${print(expression.body)}`;
    case "assert":
      return `assert ${print(expression.condition)}; ${print(expression.body)}`;
    case "if":
      break;
  }
  const { condition, consequent, alternate } = expression;
  return `if ${print(condition)} then ${print(consequent)} else ${print(alternate)}`;
}

const atoms = new Set(["variable", "integer", "float", "string", "path", "search-path", "set", "list"]);

function operand(expression: Expression): string {
  return atoms.has(expression.kind) ? print(expression) : `(${print(expression)})`;
}

function printFloat(value: number): string {
  const text = String(value);
  if (text.includes("e")) return text.includes(".") ? text : text.replace("e", ".0e");
  return text.includes(".") ? text : `${text}.0`;
}

function textOf(parts: readonly StringPart[]): string {
  return parts.map((part) => (part.kind === "text" ? part.text : "")).join("");
}

function inQuotes(parts: readonly StringPart[]): string {
  return parts
    .map((part) =>
      part.kind === "text"
        ? part.text.replace(/["\\$]/g, "\\$&").replaceAll("\r", "\\r")
        : `\${${print(part.expression)}}`,
    )
    .join("");
}

function attrName(name: AttrName): string {
  if (name.kind === "name") return `"${name.name.replace(/["\\$]/g, "\\$&").replaceAll("\r", "\\r")}"`;
  const { expression } = name;
  return expression.kind === "string" ? print(expression) : `\${${print(expression)}}`;
}

function attrPath(path: AttrPath): string {
  return path.map(attrName).join(".");
}

function bindings(list: readonly Binding[]): string {
  return list
    .map((binding) => {
      if (binding.kind === "binding") return `${attrPath(binding.path)} = ${print(binding.value)};`;
      const from = binding.from === null ? "" : `(${print(binding.from)}) `;
      return `inherit ${from}${binding.names.map(attrName).join(" ")};`;
    })
    .join(" ");
}

function formalSet({ list, ellipsis }: Formals): string {
  const all = list.map(({ name, fallback }) => (fallback === null ? name : `${name} ? ${print(fallback)}`));
  return `{ ${[...all, ...(ellipsis ? ["..."] : [])].join(", ")} }`;
}
