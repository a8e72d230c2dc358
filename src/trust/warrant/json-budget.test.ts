import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { utf8 } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { checkJsonBudget } from "./json-budget.ts";

function fits(json: string, depth: number, containers: number): boolean {
  try {
    checkJsonBudget(utf8(json), { depth, containers }, "it");
    return true;
  } catch (error) {
    assert.ok(error instanceof NixsealError && error.code === "limit");
    return false;
  }
}

/** What JSON.parse made of it. */
function measured(value: unknown): { depth: number; containers: number } {
  if (typeof value !== "object" || value === null) return { depth: 0, containers: 0 };
  const inner = Object.values(value).map((one) => measured(one));
  return {
    depth: 1 + Math.max(0, ...inner.map(({ depth }) => depth)),
    containers: 1 + inner.reduce((sum, { containers }) => sum + containers, 0),
  };
}

test("as deep and as many as is allowed, and no more", () => {
  for (const text of ["[[],{}]", "{}", '"[[[["', String.raw`["\"[[[["]`]) assert.ok(fits(text, 2, 3));
  for (const text of ["[[[", "[],[],[],[]", '{"a":{"b":{']) assert.ok(!fits(text, 2, 3));
});

test("counts exactly what JSON.parse would make, brackets in texts aside", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "[", "]", "{", "}", "\\", '"', "é") });
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, text, fc.array(tie("value")), fc.dictionary(text, tie("value"))),
  }));
  fc.assert(
    fc.property(value, (one) => {
      const json = JSON.stringify(one);
      const { depth, containers } = measured(JSON.parse(json));
      assert.ok(fits(json, depth, containers));
      if (depth > 0) assert.ok(!fits(json, depth - 1, containers));
      if (containers > 0) assert.ok(!fits(json, depth, containers - 1));
    }),
  );
});

test("stops at the first one too many, and a text without an end hides nothing that is there", () => {
  assert.ok(!fits("[".repeat(1000), 10, 10_000));
  assert.ok(!fits("[],".repeat(1000), 10, 999));
  assert.ok(fits('"[[[[[[[', 1, 1), "JSON.parse refuses it");
  assert.ok(!fits(`"${"\\\\".repeat(50)}"[[`, 1, 9));
  assert.ok(fits(`"${"\\\\".repeat(50)}\\"[["`, 1, 9));
});
