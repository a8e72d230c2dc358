import assert from "node:assert/strict";
import { test } from "node:test";
import { matchesPatternList } from "./pattern-list.ts";

test("names, stars, question marks, negation", () => {
  const rows: [text: string, list: string, matches: boolean][] = [
    ["alice", "alice", true],
    ["alice", "Alice", false],
    ["alice", "bob,alice", true],
    ["alice", "al", false],
    ["alice", "lice", false],
    ["alice@example.org", "*@example.org", true],
    ["alice@example.org.evil", "*@example.org", false],
    ["root@example.org", "*@example.org,!root@example.org", false],
    ["root@example.org", "!root@example.org,*@example.org", false],
    ["bob", "!alice", false],
    ["ab", "a?", true],
    ["a", "a?", false],
    ["a", "a**", true],
    ["abcbc", "a*bc", true],
    ["", "*", true],
    ["", "", true],
    ["a", "", false],
    ["!a", "!!a", false],
    ["a.c", "a.c", true],
    ["abc", "a.c", false],
    ["é", "?", false],
    ["é", "??", true],
  ];
  for (const [text, list, expected] of rows)
    assert.equal(matchesPatternList(text, list), expected, `${text} ${list}`);
});

test("a pattern that is too long ends the list, so that a negated one is not lost", () => {
  assert.equal(matchesPatternList("a", `a,!${"a*".repeat(600)}`), false);
});

test("many stars against a long text end soon", () => {
  assert.equal(matchesPatternList("a".repeat(1000), `${"a*".repeat(500)}b`), false);
});
