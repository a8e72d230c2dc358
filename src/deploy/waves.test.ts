import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { verdictOf, wavesOf, type Outcome } from "./waves.ts";

const hosts = (many: number) => Array.from({ length: many }, (_, index) => index);
const sizes = (many: number, canary: number, ...steps: number[]) =>
  wavesOf(hosts(many), { canary, steps }).map((wave) => wave.length);

test("a canary first, then fractions of the whole, then what is left", () => {
  assert.deepEqual(sizes(10, 1, 20, 50), [1, 2, 5, 2]);
  assert.deepEqual(sizes(3, 1, 1), [1, 1, 1]);
  assert.deepEqual(sizes(1, 1, 50), [1]);
  assert.deepEqual(sizes(5, 0), [5]);
  assert.deepEqual(sizes(5, 9), [5]);
  assert.deepEqual(sizes(0, 1, 50), []);
  for (const step of [0, -1, 101, Number.NaN]) assert.throws(() => sizes(5, 1, step), { code: "usage" });
  for (const canary of [-1, 0.5]) assert.throws(() => sizes(5, canary), { code: "usage" });
});

test("every host is in exactly one wave, in the given order, and no wave is empty", () => {
  const plan = fc.record({
    canary: fc.nat(5),
    steps: fc.array(fc.integer({ min: 1, max: 100 }), { maxLength: 6 }),
  });
  fc.assert(
    fc.property(fc.nat(300), plan, (many, waves) => {
      const made = wavesOf(hosts(many), waves);
      assert.deepEqual(made.flat(), hosts(many));
      assert.ok(made.every((wave) => wave.length > 0));
    }),
  );
});

test("the budget counts failures only; beyond it the rollout stops or returns", () => {
  const go = (
    outcomes: Outcome[],
    failures: number,
    beyond: "stop" | "revert" = "stop",
    wave: "canary" | "later" = "later",
  ) => verdictOf(outcomes, { failures, beyond }, wave).go;
  assert.equal(go([], 0), "on");
  assert.equal(go(["offline", "offline", "done"], 0), "on");
  assert.equal(go(["failed"], 0), "stop");
  assert.equal(go(["failed"], 0, "revert"), "revert");
  assert.equal(go(["failed", "done"], 1), "on");
  assert.equal(go(["failed", "failed"], 1, "revert"), "revert");
  assert.equal(go(["offline"], 9, "stop", "canary"), "stop", "nobody has seen it work");
  assert.equal(go(["failed"], 9, "stop", "canary"), "stop");
  assert.equal(go(["offline", "done"], 0, "stop", "canary"), "on");
});
