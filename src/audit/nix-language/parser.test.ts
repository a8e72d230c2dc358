import assert from "node:assert/strict";
import { test } from "node:test";
import { NixsealError } from "../../core/errors.ts";
import type { Expression } from "./ast.ts";
import { deepestNesting } from "./cursor.ts";
import { largestSource, parseNix } from "./parser.ts";

const parse = (text: string): Expression => parseNix(Buffer.from(text));

function faultOf(text: string | Uint8Array): NixsealError {
  try {
    parseNix(Buffer.from(text));
  } catch (error) {
    assert.ok(error instanceof NixsealError, String(error));
    return error;
  }
  throw new Error(`accepted: ${text.slice(0, 100).toString()}`);
}

/** `line:column`, where the fault is. */
function placeOfFault(text: string): string {
  const { where } = faultOf(text);
  return `${where?.line}:${where?.column}`;
}

test("every node says where it begins, in bytes as Nix counts", () => {
  const set = parse('# é\r\n{\r\n  "é" = x: x.y;\n}');
  assert.ok(set.kind === "set");
  assert.deepEqual(set.at, { offset: 6, line: 2, column: 1 });
  const [binding] = set.bindings;
  assert.ok(binding?.kind === "binding" && binding.value.kind === "lambda");
  assert.deepEqual(binding.path[0], { kind: "name", name: "é", at: { offset: 11, line: 3, column: 3 } });
  assert.deepEqual(binding.value.at, { offset: 18, line: 3, column: 10 });
  assert.deepEqual(binding.value.body.at, { offset: 21, line: 3, column: 13 });
});

test("an operator's place is kept beside its operands'", () => {
  const sum = parse("a\n  + b");
  assert.ok(sum.kind === "binary");
  assert.deepEqual([sum.at.line, sum.operatorAt.line, sum.operatorAt.column], [1, 2, 3]);
});

test("pipes are the loosest operators and go either way", () => {
  const into = parse("a |> b + 1 |> c");
  assert.ok(into.kind === "binary" && into.operator === "|>" && into.left.kind === "binary");
  assert.ok(into.left.operator === "|>" && into.left.right.kind === "binary");
  const from = parse("a <| b <| c");
  assert.ok(from.kind === "binary" && from.operator === "<|" && from.right.kind === "binary");
  assert.equal(from.operatorAt.column, 3);
  assert.equal(from.right.operatorAt.column, 8);
  assert.equal(placeOfFault("a |> b <| c"), "1:8");
});

test("text is decoded once it is whole", () => {
  const text = parse('"é\\€ü"');
  assert.ok(text.kind === "string");
  assert.deepEqual(text.parts, [{ kind: "text", text: "é€ü", at: { offset: 1, line: 1, column: 2 } }]);
  const indented = parse("''\n  日''\\本''");
  assert.ok(indented.kind === "string" && indented.parts[0]?.kind === "text");
  assert.equal(indented.parts[0].text, "日本");
});

test("bytes that are not UTF-8 harm nobody", () => {
  const bytes = Buffer.concat([Buffer.from('# \n"'), Buffer.of(0xe9), Buffer.from('"')]);
  const text = parseNix(bytes);
  assert.ok(text.kind === "string" && text.parts[0]?.kind === "text");
  assert.equal(text.parts[0].text, "\ufffd");
});

test("a URI and an indented string are strings that say how they were written", () => {
  assert.deepEqual(
    ["http://example.org", "''a''", '"a"'].map((text) => {
      const string = parse(text);
      return string.kind === "string" ? string.form : string.kind;
    }),
    ["uri", "indented", "quoted"],
  );
});

test("paths keep their spelling and their interpolations", () => {
  const path = parse("./a/${b}.nix");
  assert.ok(path.kind === "path" && path.form === "relative");
  assert.deepEqual(
    path.parts.map((part) => (part.kind === "text" ? part.text : part.expression.kind)),
    ["./a/", "variable", ".nix"],
  );
  assert.deepEqual(
    ["/a", "~/a", "a/b"].map((text) => (parse(text) as { form?: string }).form),
    ["absolute", "home", "relative"],
  );
});

test("faults are where a person looks for them", () => {
  assert.equal(placeOfFault("{\n  a = 1;\n  a = 2;\n}"), "3:3");
  assert.match(faultOf("{\n  a = 1;\n  a = 2;\n}").message, /already defined at 2:3/);
  assert.equal(placeOfFault("{ a, b, a }: a"), "1:9");
  assert.equal(placeOfFault('x = 1; y = "'), "1:3");
  assert.equal(placeOfFault('[ 1\n  "abc\n'), "2:3");
  assert.equal(placeOfFault("{\n  a = 1\n}"), "3:1");
  assert.equal(placeOfFault("let ${a} = 1; in a"), "1:5");
  assert.equal(placeOfFault("{ inherit ${a}; }"), "1:11");
  assert.equal(placeOfFault("[ ./a/ ]"), "1:7");
  assert.equal(placeOfFault("1 /* open"), "1:3");
  assert.match(faultOf("{ a.b.c = 1; a = { b = { c = 2; }; }; }").message, /'a\.b\.c'/);
});

const repeat = (text: string, count: number): string => text.repeat(count);

const nested: Readonly<Record<string, (levels: number) => string>> = {
  parentheses: (n) => `${repeat("(", n)}1${repeat(")", n)}`,
  lists: (n) => `${repeat("[", n)}${repeat("]", n)}`,
  sets: (n) => `${repeat("{a=", n)}1${repeat(";}", n)}`,
  strings: (n) => `${repeat('"${', n)}1${repeat('}"', n)}`,
  "indented strings": (n) => `${repeat("''${", n)}1${repeat("}''", n)}`,
  paths: (n) => `${repeat("./${", n)}1${repeat("}", n)}`,
  names: (n) => `${repeat("{a.${", n)}"a"${repeat("}=1;}", n)}`,
  inherits: (n) => `${repeat("{inherit (", n)}1${repeat(") a;}", n)}`,
  functions: (n) => `${repeat("a: ", n)}1`,
  formals: (n) => `${repeat("{a?", n)}1${repeat("}:1", n)}`,
  withs: (n) => `${repeat("with 1;", n)}1`,
  lets: (n) => `${repeat("let in ", n)}1`,
  "old lets": (n) => `${repeat("let { a = ", n)}1${repeat(";}", n)}`,
  conditions: (n) => `${repeat("if 1 then 2 else ", n)}1`,
  fallbacks: (n) => `${repeat("a.b or ", n)}1`,
  negations: (n) => `${repeat("!", n)}1`,
  signs: (n) => `${repeat("- ", n)}1`,
};

for (const [name, text] of Object.entries(nested)) {
  test(`nesting is bounded: ${name}`, () => {
    parse(text(deepestNesting - 2));
    for (const levels of [deepestNesting + 2, 10_000, 300_000])
      assert.equal(faultOf(text(levels)).code, "limit", String(levels));
    // Left open, at any depth.
    assert.ok(["limit", "malformed"].includes(faultOf(text(100_000).slice(0, 150_000)).code));
  });
}

test("chains are not nesting: any length is taken", () => {
  for (const link of ["a + ", "a ++ ", "a // ", "a -> ", "a && ", "a |> ", "a <| ", "a ", "a.b or_ "])
    parse(`${repeat(link, 100_000)}1`);
  parse(`a${repeat(".a", 100_000)}`);
  parse(`a${repeat(" ? a", 100_000)}`);
  parse(`{ a${repeat(".a", 100_000)} = 1; }`);
});

test("merging long attribute paths needs no stack", () => {
  const path = `a${repeat(".a", 100_000)}`;
  parse(`{ x = { ${path}.b = 1; }; x = { ${path}.c = 1; }; }`);
  assert.equal(faultOf(`{ x = { ${path} = 1; }; x = { ${path}.b = 1; }; }`).code, "malformed");
});

test("sources over the limit are refused before they are read", () => {
  assert.equal(faultOf(new Uint8Array(largestSource + 1)).code, "limit");
});
