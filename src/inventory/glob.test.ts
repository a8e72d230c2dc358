import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { globMatches } from "./glob.ts";

const letters = (alphabet: string, maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...Array.from(alphabet)), maxLength });

test("a glob matches what the regular expression of the same meaning matches", () => {
  fc.assert(
    fc.property(letters("ab.*?", 8), letters("ab.", 10), (pattern, text) => {
      const source = pattern.replaceAll(".", "\\.").replaceAll("*", ".*").replaceAll("?", ".");
      assert.equal(globMatches(pattern, text), new RegExp(`^${source}$`).test(text));
    }),
    { numRuns: 2000 },
  );
});

test("many stars take no exponential time", () => {
  assert.equal(globMatches("*a".repeat(30) + "b", "a".repeat(20_000)), false);
});
