import assert from "node:assert/strict";
import { test } from "node:test";
import { didYouMean, nearest } from "./suggest.ts";

test("a typo finds its word: letter missing, added, replaced, two swapped", () => {
  for (const typed of ["rekye", "rkey", "rekeyy", "rekex"])
    assert.equal(nearest(typed, ["set", "get", "rekey"]), "rekey");
});

test("what is far from everything gets no suggestion", () => {
  assert.equal(didYouMean("deploy", ["set", "get", "rekey"]), undefined);
  assert.equal(didYouMean("x".repeat(1000), ["x".repeat(999)]), undefined);
});
