import assert from "node:assert/strict";
import { test } from "node:test";
import { faultOfPattern, matchesPath } from "./path-pattern.ts";

test("patterns of paths", () => {
  for (const [pattern, path, expected] of [
    ["**", "a", true],
    ["**", "a/b/c", true],
    ["a/**", "a/b", true],
    ["a/**", "a/b/c", true],
    ["a/**", "a", false],
    ["a/**", "ab/c", false],
    ["a/*", "a/b/c", false],
    ["*", "a/b", false],
    ["*.md", "x.md", true],
    ["*.md", "docs/x.md", false],
    ["**/*.md", "x.md", true],
    ["**/*.md", "docs/de/x.md", true],
    ["a/**/b", "a/b", true],
    ["a/**/b", "a/x/y/b", true],
    ["a/**/b", "a/x/y/c", false],
    ["hosts/web?/**", "hosts/web1/x", true],
    ["hosts/web?/**", "hosts/web12/x", false],
    ["A/**", "a/b", false],
    ["ü/*", Buffer.from("ü/x").toString("latin1"), true],
  ] as const) {
    assert.equal(matchesPath(pattern, path), expected, `${pattern} ${path}`);
  }
});

test("a pattern made to be slow is not", () => {
  const path = Array.from({ length: 2000 }, () => "a").join("/");
  assert.equal(matchesPath(`${"**/a/".repeat(200)}b`, path), false);
});

test("what is no pattern", () => {
  for (const pattern of ["", "/a", "a/", "a//b", "../a", "a/./b", "a**", "**b/c", "a\nb"])
    assert.notEqual(faultOfPattern(pattern), null, pattern);
  for (const pattern of ["**", "a/**/b", "*.md", "a b/c"])
    assert.equal(faultOfPattern(pattern), null, pattern);
});
