import assert from "node:assert/strict";
import { after, test } from "node:test";
import * as fc from "fast-check";

import { StockNix } from "../../test/support/stock-nix.ts";
import { compareVersions, parseDrvName } from "./version.ts";

const nix = new StockNix();
after(() => nix.remove());

test("the table that Nix tests itself with", () => {
  // src/libexpr-tests/primops.cc
  const table = [
    ["1.0", "1.0.0", -1],
    ["1.0.0", "1.0", 1],
    ["1.0", "2.3", -1],
    ["2.1", "2.3", -1],
    ["2.3", "2.3", 0],
    ["2.5", "2.3", 1],
    ["3.1", "2.3", 1],
    ["2.3.1", "2.3", 1],
    ["2.3.1", "2.3a", 1],
    ["2.3pre1", "2.3", -1],
    ["2.3pre3", "2.3pre12", -1],
    ["2.3a", "2.3c", -1],
    ["2.3pre1", "2.3c", -1],
    ["2.3pre1", "2.3q", -1],
  ] as const;
  for (const [a, b, order] of table) assert.equal(compareVersions(a, b), order, `${a} ${b}`);
  assert.deepEqual(parseDrvName("nix-0.12pre12876"), { name: "nix", version: "0.12pre12876" });
  assert.deepEqual(parseDrvName("a-b-c-1234pre5+git"), { name: "a-b-c", version: "1234pre5+git" });
});

const odd = [
  "",
  ".",
  "-",
  "--",
  "a-",
  "-1",
  "a--1",
  "pre",
  "1pre",
  "2147483647",
  "2147483648",
  "007",
  "7",
  "é",
  "1é",
  "😀",
  "a-é",
];
const piece = fc.oneof(
  fc.constantFrom("1", "2", "10", "01", "pre", "a", "rc", ".", "-", "+", "_", "0", "é", "😀", "￿"),
  fc.constantFrom("2147483647", "2147483648", "99999999999999999999", "20240101"),
);
const version = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(""));

test("any two versions compare as builtins.compareVersions has it", () => {
  const pairs = fc.sample(fc.tuple(version, version), { numRuns: 600, seed: 7 });
  for (const a of odd) for (const b of odd) pairs.push([a, b]);
  const theirs = evaluate(
    `map (p: builtins.compareVersions (builtins.elemAt p 0) (builtins.elemAt p 1))`,
    pairs,
  );
  assert.deepEqual(
    pairs.map(([a, b]) => compareVersions(a, b)),
    theirs,
  );
});

test("any name splits as builtins.parseDrvName has it", () => {
  const names = [...odd, ...fc.sample(version, { numRuns: 600, seed: 8 })];
  assert.deepEqual(names.map(parseDrvName), evaluate("map builtins.parseDrvName", names));
});

function evaluate(fn: string, argument: unknown): unknown {
  const expression = `${fn} (builtins.fromJSON ${JSON.stringify(JSON.stringify(argument)).replaceAll("$", "\\$")})`;
  return nix.json("nix-instantiate", "--eval", "--strict", "--json", "--expr", expression);
}
