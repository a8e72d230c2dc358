import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseNix } from "../nix-language/parser.ts";
import { definitionsOf } from "./definitions.ts";
import { hole, type Value } from "./value.ts";

function plain(value: Value): unknown {
  if (value.kind === "list") return [...value.items.map(plain), ...(value.whole ? [] : ["…"])];
  if (value.kind === "set")
    return Object.fromEntries(Array.from(value.entries, ([name, inner]) => [name, plain(inner)]));
  if (value.kind === "null") return null;
  return value.kind === "unknown"
    ? "?"
    : value.kind === "text" || value.kind === "path"
      ? value.text
      : value.value;
}

/** `path: value` of each definition, `?` for what is not known, `*` behind what holds under a condition. */
function read(source: string): Record<string, unknown> {
  const { definitions } = definitionsOf(parseNix(Buffer.from(source)));
  return Object.fromEntries(
    definitions
      .filter(({ opened }) => !opened)
      .map(({ path, value, conditional }) => [
        `${path.join(".").replaceAll(hole, "*")}${conditional ? " if" : ""}`,
        plain(value),
      ]),
  );
}

const cases: readonly [string, Record<string, unknown>][] = [
  ["{ a.b = 1; a.c.d = true; }", { "a.b": 1, "a.c.d": true }],
  ["{ config, ... }: { a = config.x; }", { a: "?" }],
  ["{ a = null; b = -1; c = 1.5; d = ./x; e = <y>; }", { a: null, b: -1, c: 1.5, d: "./x", e: "<y>" }],
  ["let x = 1; in { a = x; }", { a: 1 }],
  ["let x = { b = 1; }; in { a = x; c = x.b; }", { "a.b": 1, c: 1 }],
  ["let x = x; in { a = x; }", { a: "?" }],
  ["{ x ? 1 }: { a = x; }", { a: "?" }],
  ["let x = 1; in { x, ... }: { a = x; }", { a: "?" }],
  ["let x = 1; in { inherit x; }", { x: 1 }],
  ["{ lib }: { inherit (lib) x; }", { x: "?" }],
  ["rec { a = 1; b = a; }", { a: 1, b: 1 }],
  ['{ "a b".${"c"} = 1; ${d} = 2; }', { "a b.c": 1, "*": 2 }],
  ["if true then { a = 1; } else { a = 2; }", { a: 1 }],
  ["{ c }: if c then { a = 1; } else { b = 2; }", { "a if": 1, "b if": 2 }],
  ["{ lib, c, ... }: { a = lib.mkIf c { b = 1; }; }", { "a.b if": 1 }],
  ["{ lib, ... }: { a = lib.mkIf true { b = 1; }; c = lib.mkIf false { d = 1; }; }", { "a.b": 1 }],
  ["{ lib, ... }: lib.mkMerge [ { a = 1; } (lib.mkIf x { b = 2; }) ]", { a: 1, "b if": 2 }],
  ["{ lib, ... }: { a = lib.mkDefault 1; b = lib.mkForce 2; c = lib.mkOverride 5 3; }", { a: 1, b: 2, c: 3 }],
  ["{ a = mkDefault 1; x.a = 1; } // { x = { a = 2; }; }", { "x.a": 2, a: 1 }],
  ["{ lib, ... }: lib.mkMerge [ { a = lib.mkDefault 1; } { a = 2; } ]", { a: 2 }],
  ["with lib; { a = [ 1 2 ] ++ optional x 3; b = [ 1 ] ++ [ 2 ]; }", { a: undefined, b: [1, 2] }],
  [
    '{ a = "x${"y"}z"; b = "x${c}"; c = "a" + "b"; d = \'\'x\'\'; }',
    { a: "xyz", b: `x${hole}`, c: "ab", d: "x" },
  ],
  ["{ a = true && !false; b = true || x; c = 1 == 1; }", { a: true, b: "?", c: "?" }],
  ["{ a = import ./x.nix; b = f { c = 1; }; }", { a: "?", "b.c": 1 }],
  ["{ a.modules = [ { b = 1; } ({ ... }: { c = 2; }) ]; }", { "a.modules.[].b": 1, "a.modules.[].c": 2 }],
  [
    "{ lib, ... }: { a = [ { b = 1; } ] ++ lib.optional true { c = 2; } ++ (if x then [ { d = 3; } ] else [ ]); }",
    { a: [{ b: 1 }, { c: 2 }, "…"], "a.[].b": 1, "a.[].c": 2, "a.[].d if": 3 },
  ],
  ["{ a = [ (if x then { b = 1; } else { c = 2; }) ]; }", { "a.[].b if": 1, "a.[].c if": 2 }],
  ["{ lib, ... }: { a = 1; } |> lib.id", { a: 1 }],
  ["{ c, ... }: c.x or { a = 1; }", { "": "?", "a if": 1 }],
  ["let x = { b.c = 1; b.d = y; }; in { a = x.b; }", { "a.c": 1, "a.d": "?" }],
  ["let x = { b.c = 1; }; in { inherit (x) b; }", { "b.c": 1 }],
  ['let n = "b"; in { a.${n + "c"} = 1; a.${m} = 2; }', { "a.bc": 1, "a.*": 2 }],
  ["let { body = { a = 1; }; }", { a: 1 }],
  ["let s = { a = 1; b = s; }; in s", { a: 1, b: { a: 1, b: "?" } }],
  ["let mkIf = c: v: v; in { a = mkIf false { b = 1; }; }", { "a.b": 1 }],
  ["let lib = { mkForce = x: 2; }; in { a = lib.mkForce 1; }", { a: "?" }],
  ["{ lib, ... }: { modules = [ { a = lib.mkForce 1; } { a = 2; } ]; }", { "modules.[].a": 1 }],
  [
    "{ lib, ... }: { machines = [ { a = lib.mkForce 1; } { b = 1; } { a = 2; } ]; }",
    { "machines.[].a": 2, "machines.[].b": 1 },
  ],
];

for (const [source, expected] of cases)
  test(source, () => {
    const found = read(source);
    for (const [key, value] of Object.entries(expected)) {
      assert.ok(key in found || value === undefined, `${key} of ${JSON.stringify(found)}`);
      if (value !== undefined) assert.deepEqual(found[key], value);
    }
    assert.equal(
      Object.keys(found).length,
      Object.entries(expected).filter(([, value]) => value !== undefined).length +
        (source.includes("optional x") ? 1 : 0),
      JSON.stringify(found),
    );
  });

test("what may be in a list counts, and the list is not whole", () => {
  assert.deepEqual(read("with lib; { a = [ 1 ] ++ optional x 3; b = optionals y [ 4 ]; }"), {
    a: [1, 3, "…"],
    b: [4, "…"],
  });
});

test("sources made to be expensive end soon, as unknown", () => {
  const doubling = Array.from({ length: 60 }, (_, n) => `a${n + 1} = [ a${n} a${n} ] ++ a${n};`).join(" ");
  const sets = Array.from({ length: 40 }, (_, n) => `s${n + 1} = { x = s${n}; y = s${n}; };`).join(" ");
  const deep = `${"{ a = ".repeat(150)}1${"; }".repeat(150)}`;
  const chain = `{ a = ${Array.from({ length: 20_000 }, () => "[ 1 ]").join(" ++ ")}; }`;
  const updates = Array.from({ length: 5000 }, (_, n) => `{ a${n} = 1; }`).join(" // ");
  for (const source of [
    `let a0 = [ 1 ]; ${doubling} in { x = a60; }`,
    `let s0 = { z = 1; }; ${sets} in { x = s40; }`,
    deep,
    chain,
    updates,
  ]) {
    const { definitions } = definitionsOf(parseNix(Buffer.from(source)));
    for (const definition of definitions.slice(0, 100)) assert.ok(definition.value.kind !== undefined);
    assert.ok(definitions.length <= 50_000);
  }
});

test("what a limit keeps from being looked at is said", () => {
  const complete = (source: string): boolean => definitionsOf(parseNix(Buffer.from(source))).complete;
  assert.equal(complete(`{ a = ${"(x: ".repeat(60)}{ b = 1; }${")".repeat(60)}; }`), true);
  assert.equal(complete(`{ a = ${"(x: ".repeat(120)}{ b = 1; }${")".repeat(120)}; }`), false);
  assert.equal(complete("let s = { a = _: s; b = s // { c = s; }; }; in s"), true);
  assert.equal(complete(`${"{ a = ".repeat(120)}1${"; }".repeat(120)}`), false);
  assert.equal(complete(`{ ${Array.from({ length: 250_000 }, (_, n) => `a${n}=1;`).join("")} }`), false);
});

test("anything that parses is read without an error", () => {
  const name = fc.constantFrom("a", "b", "services", "mkIf", "x");
  const { expression } = fc.letrec<{ expression: string }>((tie) => ({
    expression: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom("1", "true", '"s"', "./p", "x", "null", "[ ]", "{ }"),
      fc
        .tuple(name, tie("expression"), name, tie("expression"))
        .map(([a, first, b, second]) => `{ ${a}.q = ${first}; ${b}.r = ${second}; }`),
      fc
        .tuple(name, tie("expression"), tie("expression"))
        .map(([a, first, second]) => `(let ${a} = ${first}; in ${second})`),
      fc.tuple(tie("expression"), tie("expression")).map(([first, second]) => `(${first} // ${second})`),
      fc.tuple(tie("expression"), tie("expression")).map(([first, second]) => `[ (${first}) (${second}) ]`),
      fc
        .tuple(tie("expression"), tie("expression"))
        .map(([first, second]) => `(mkIf (${first}) (${second}))`),
      tie("expression").map((body) => `({ x, ... }: ${body})`),
      tie("expression").map((body) => `(mkMerge [ (${body}) ])`),
    ),
  }));
  fc.assert(
    fc.property(expression, (source) => {
      for (const { value } of definitionsOf(parseNix(Buffer.from(source))).definitions) plain(value);
    }),
    { numRuns: 300 },
  );
});
