import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import * as manifest from "../secrets/manifest-fields.ts";
import type { Check } from "../core/shape.ts";
import * as rules from "./field-rules.ts";

function accepts(check: Check<string>, text: string): boolean {
  try {
    check(text, "$");
    return true;
  } catch {
    return false;
  }
}

const fields: readonly [string, rules.Rule, Check<string>, readonly string[]][] = [
  [
    "name",
    rules.name,
    manifest.nameCheck,
    ["a", "A.b_c-1", "a".repeat(64), "a".repeat(65), "-a", ".a", "ä", ""],
  ],
  ["mode", rules.mode, manifest.modeCheck, ["0400", "0777", "1400", "0404", "0402", "400"]],
  [
    "unit",
    rules.unit,
    manifest.unitCheck,
    ["a.service", "a@b.timer", "-a.service", "a", ".service", "a b.service"],
  ],
  ["credential", rules.credential, manifest.credentialCheck, ["a", "a.b:c", "a/b", "..", ""]],
  [
    "path",
    rules.absolutePath,
    manifest.absolutePath,
    [
      "/a",
      "/a/b",
      "/",
      "//a",
      "/a/",
      "/a/./b",
      "/..",
      "a",
      "/\u0000",
      "/ä",
      `/${"ä".repeat(128)}`,
      `/${"a".repeat(255)}`,
      "/a".repeat(512),
      "/a".repeat(513),
    ],
  ],
];

test("what fleet.toml accepts for a host, its manifest accepts, and the other way round", () => {
  for (const [what, rule, check, samples] of fields) {
    for (const sample of samples)
      assert.equal(rules.follows(rule, sample), accepts(check, sample), `${what} ${JSON.stringify(sample)}`);
    const unit = fc.constantFrom(..."aZ09._-@:\\/ $\n".split(""), ".service", "..", "0", "4", "ä");
    fc.assert(
      fc.property(
        fc.string({ unit, maxLength: 10 }),
        (text) => rules.follows(rule, text) === accepts(check, text),
      ),
      { numRuns: 500 },
    );
  }
});

test("durations", () => {
  assert.equal(rules.seconds("12h"), 43_200);
  assert.equal(rules.seconds("90d"), 7_776_000);
  assert.equal(rules.seconds("2w"), 1_209_600);
  assert.equal(rules.seconds("1y"), 31_536_000);
  for (const text of ["0d", "90", "d", "1.5d", "-1d", "90D", "9999999d"])
    assert.equal(rules.duration.pattern.test(text), false, text);
});
