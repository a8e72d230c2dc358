import assert from "node:assert/strict";
import { test } from "node:test";
import { agreement, knownAnswers } from "../support/known-answers.ts";
import { ask } from "../support/matching.ts";

for (const { says, found, advisory, answer } of knownAnswers)
  test(`${says}: ${found.name} ${found.version} is ${answer ?? "not what it is about"}`, () => {
    const verdicts = ask(found, advisory).findings.map(({ verdict }) => verdict);
    assert.deepEqual(verdicts, answer === null ? [] : [answer]);
  });

test("no false positive and no false negative", () => {
  const { cases, falsePositives, falseNegatives, others } = agreement();
  assert.ok(cases >= 40);
  assert.deepEqual([falsePositives, falseNegatives, others], [[], [], []]);
});
