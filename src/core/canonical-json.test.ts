import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalJson, type Json } from "./canonical-json.ts";

const key = fc.string({ unit: "grapheme-ascii" });
const text = fc.string({ unit: "grapheme" }).filter((value) => !/\p{Cc}/u.test(value));

test("keys are sorted and nothing is between the tokens", () => {
  assert.equal(
    canonicalJson({ b: [1, true, null], a: { d: "x", c: "" } }),
    '{"a":{"c":"","d":"x"},"b":[1,true,null]}',
  );
});

test("reads back as the same value, whatever order the keys were in", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const integers = JSON.parse(JSON.stringify(value), (_, item: unknown) =>
        typeof item === "number" ? Math.trunc(item % 1e9) + 0 : item,
      ) as Json;
      assert.deepEqual(JSON.parse(canonicalJson(integers)), integers);
    }),
  );
});

test("what has no single spelling is not written", () => {
  for (const value of [0.5, Number.NaN, 2 ** 53, "\ud800", { ü: 1 }])
    for (const nested of [value, [value], [["x", [value]]], [{}, value], { a: [1, [value]] }] as Json[])
      assert.throws(() => canonicalJson(nested), { name: "NixsealError", code: "bug" });
});

test("Nix's builtins.toJSON writes the same bytes", () => {
  const record = fc.dictionary(key, fc.oneof(text, fc.integer(), fc.boolean(), fc.array(text)));
  const values = fc.sample(record, { numRuns: 100, seed: 1 });
  const expression = "{ json }: builtins.toJSON (builtins.fromJSON json)";
  const args = ["--eval", "--json", "--argstr", "json", JSON.stringify(values), "--expr", expression];
  const nix = spawnSync("nix-instantiate", args, {
    encoding: "utf8",
    env: { ...process.env, NIX_REMOTE: "dummy://" },
  });
  assert.equal(nix.status, 0, nix.stderr);
  assert.ok(JSON.parse(nix.stdout) === canonicalJson(values), "the two spellings differ");
});
