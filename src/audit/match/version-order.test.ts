import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { versionTypes } from "../advisories/advisory.ts";
import { orderOf } from "./version-order.ts";

test("releases as projects order them", () => {
  const older: readonly (readonly [string, string])[] = [
    ["1.9", "1.10"],
    ["1.0rc1", "1.0"],
    ["1.0-beta2", "1.0-rc1"],
    ["3.13.0a1", "3.13.0"],
    ["1.1.1", "1.1.1a"],
    ["1.1.1v", "1.1.1w"],
    ["8.4p1", "8.5p1"],
    ["1.9.5p1", "1.9.5p2"],
    ["5.2p15", "5.2p37"],
    ["2.0.dev1", "2.0a1"],
    ["99999999999999999998", "99999999999999999999"],
  ];
  for (const [a, b] of older) {
    assert.equal(orderOf(a, b, "custom"), -1, `${a} < ${b}`);
    assert.equal(orderOf(b, a, "custom"), 1, `${b} > ${a}`);
  }
});

test("153.0 and 153.0.0 are one release; so are v2 and 2, and what stands behind a plus", () => {
  for (const [a, b] of [
    ["153.0", "153.0.0"],
    ["v2.1", "2.1.0"],
    ["1.2.3+build5", "1.2.3"],
  ] as const)
    assert.equal(orderOf(a, b, "custom"), 0, `${a} = ${b}`);
});

test("semver's pre-releases: the list of its own page", () => {
  const order = [
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
  ];
  for (const [i, a] of order.entries())
    for (const [j, b] of order.entries())
      assert.equal(orderOf(a, b, "semver"), Math.sign(i - j), `${a} ${b}`);
});

test("a word that nobody knows decides nothing; what differs before it does", () => {
  assert.equal(orderOf("1.2-foo", "1.2", "custom"), null);
  assert.equal(orderOf("1.2-foo", "1.2-bar", "custom"), null);
  assert.equal(orderOf("1.2-foo", "1.3", "custom"), -1);
});

test("commits have no order; Nix's order is Nix's", () => {
  assert.equal(orderOf("abc", "abd", "git"), null);
  assert.equal(orderOf("abc", "abc", "git"), 0);
  assert.equal(orderOf("2.3pre1", "2.3", "nix"), -1);
  assert.equal(orderOf("153.0", "153.0.0", "nix"), -1);
});

test("whatever comes, it ends: the order is antisymmetric and a version equals itself", () => {
  const version = fc.oneof(fc.string({ maxLength: 300 }), fc.stringMatching(/^[0-9a-z.+-]{0,40}$/));
  fc.assert(
    fc.property(version, version, fc.constantFrom(...versionTypes), (a, b, type) => {
      const [there, back] = [orderOf(a, b, type), orderOf(b, a, type)];
      assert.equal(there === null ? null : -there + 0, back === null ? null : back + 0);
      if (type !== "git") assert.equal(orderOf(a, a, type), 0);
    }),
    { numRuns: 2000 },
  );
});
