/** Random syntax trees as source text, and random operator chains without a parenthesis. */
import fc from "fast-check";

const name = fc.constantFrom("a", "b", "c", "x'", "y-z", "_1");
const text = fc.constantFrom(
  "",
  "a",
  " ",
  "\\n",
  "é",
  "$",
  "$$",
  "''",
  "\\${",
  "\\\\",
  "#",
  "}",
  '\\"',
  "  b",
);
const lineText = fc.constantFrom(
  "",
  "a",
  "  a",
  "    b",
  "\n",
  "\n  ",
  "\n    c",
  "'''",
  "''$",
  "''\\n",
  "$",
  "$$",
  "é",
);

const operator = fc.constantFrom(
  "->",
  "||",
  "&&",
  "==",
  "!=",
  "<",
  ">",
  "<=",
  ">=",
  "//",
  "+",
  "-",
  "*",
  "/",
  "++",
);

// A type and not an interface: fast-check wants an index signature.
type Forms = { expression: string; operand: string };

/** Every form of the language, each operand in parentheses or without need of any. */
export const source: fc.Arbitrary<string> = fc.letrec<Forms>((tie) => {
  const expression = tie("expression");
  const operand = tie("operand");
  const interpolation = expression.map((inner) => `\${${inner}}`);
  const attr = fc.oneof(
    { weight: 4, arbitrary: name },
    { weight: 1, arbitrary: name.map((inner) => `"${inner} d"`) },
    { weight: 1, arbitrary: operand.map((inner) => `\${f ${inner}}`) },
  );
  const path = fc.array(attr, { minLength: 1, maxLength: 3 }).map((names) => names.join("."));
  const binding = fc
    .tuple(fc.nat(99), fc.option(path, { nil: "v" }), expression)
    .map(([number, rest, value]) => `n${number}.${rest} = ${value};`);
  const inherit = fc
    .tuple(fc.nat(99), fc.option(expression, { nil: undefined }))
    .map(([number, from]) => `inherit ${from === undefined ? "" : `(${from}) `}i${number} "j${number}";`);
  const bindings = fc
    .uniqueArray(fc.oneof(binding, inherit), { maxLength: 4, selector: (text) => /\d+/.exec(text)?.[0] })
    .map((list) => list.join(" "));
  const formal = fc
    .tuple(fc.nat(99), fc.option(expression, { nil: undefined }))
    .map(([number, fallback]) => (fallback === undefined ? `p${number}` : `p${number} ? ${fallback}`));
  const formals = fc
    .tuple(fc.uniqueArray(formal, { maxLength: 3, selector: (text) => /\d+/.exec(text)?.[0] }), fc.boolean())
    .map(([list, ellipsis]) => `{ ${[...list, ...(ellipsis ? ["..."] : [])].join(", ")} }`);
  const parts = (piece: fc.Arbitrary<string>): fc.Arbitrary<string> =>
    fc
      .array(fc.oneof({ weight: 3, arbitrary: piece }, { weight: 1, arbitrary: interpolation }), {
        maxLength: 5,
      })
      .map((list) => list.join(""));
  return {
    expression: fc.oneof(
      { maxDepth: 4, depthIdentifier: "nix" },
      operand,
      operatorChain(operand),
      fc.tuple(operand, operand).map(([f, a]) => `${f} ${a}`),
      fc.tuple(operand, path).map(([of, names]) => `${of} ? ${names}`),
      fc.tuple(name, expression).map(([argument, body]) => `${argument}: ${body}`),
      fc.tuple(formals, expression).map(([argument, body]) => `${argument}: ${body}`),
      fc.tuple(formals, expression).map(([argument, body]) => `${argument}@all: ${body}`),
      fc.tuple(formals, expression).map(([argument, body]) => `all @ ${argument}: ${body}`),
      fc.tuple(bindings, expression).map(([list, body]) => `let ${list} in ${body}`),
      fc.tuple(expression, expression).map(([scope, body]) => `with ${scope}; ${body}`),
      fc.tuple(expression, expression).map(([condition, body]) => `assert ${condition}; ${body}`),
      fc.tuple(expression, expression, expression).map(([a, b, c]) => `if ${a} then ${b} else ${c}`),
    ),
    operand: fc.oneof(
      { maxDepth: 4, depthIdentifier: "nix" },
      name,
      fc.constantFrom(
        "1",
        "0",
        "2.5",
        ".5",
        "1.e3",
        "./p",
        "../q/r",
        "~/h",
        "<n/m>",
        "x:y",
        "{ }",
        "[ ]",
        "__curPos",
      ),
      expression.map((inner) => `(${inner})`),
      parts(text).map((inner) => `"${inner}"`),
      parts(lineText).map((inner) => `''${inner}''`),
      fc.tuple(name, interpolation).map(([first, inner]) => `./${first}${inner}/b`),
      fc.array(operand, { maxLength: 3 }).map((list) => `[ ${list.join(" ")} ]`),
      bindings.map((list) => `{ ${list} }`),
      bindings.map((list) => `rec { ${list} }`),
      bindings.map((list) => `let { ${list} }`),
      fc.tuple(name, path).map(([of, names]) => `${of}.${names}`),
      fc.tuple(name, path, operand).map(([of, names, other]) => `(${of}.${names} or ${other})`),
    ),
  };
}).expression;

/** `a OP b OP c …` with prefixes and `?` between: what binds to what is the parser's to know. */
export function operatorChain(operand: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const prefixed = fc
    .tuple(
      fc.constantFrom("", "", "", "!", "- ", "! - ", "- !"),
      operand,
      fc.constantFrom("", "", "", " ? d.e"),
    )
    .map(([prefix, inner, has]) => `${prefix}${inner}${has}`);
  return fc
    .tuple(prefixed, fc.array(fc.tuple(operator, prefixed), { minLength: 1, maxLength: 5 }))
    .map(([first, others]) => [first, ...others.flat()].join(" "));
}
