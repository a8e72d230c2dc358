import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "../../core/bytes.ts";
import { checkJsonBudget } from "./json-budget.ts";

const check = (text: string): void => checkJsonBudget(utf8(text), { depth: 2, containers: 3 }, "it");

test("as deep and as many as is allowed, and no more", () => {
  for (const text of ["[[],{}]", "{}", '"[[[["', String.raw`["\"[[[["]`]) check(text);
  for (const text of ["[[[", "[],[],[],[]", '{"a":{"b":{'])
    assert.throws(() => check(text), { code: "limit" });
});
