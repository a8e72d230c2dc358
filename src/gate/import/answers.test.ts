import assert from "node:assert/strict";
import { test } from "node:test";
import { Answers, type Answered } from "./answers.ts";

/** Messages 0 to 4, whose answers come when they are told to; what was written, each write a list; and a clock that is told to go on. */
function conversation() {
  const written: string[][] = [];
  const answer: ((answered: Answered) => void)[] = [];
  let tick: () => void = () => undefined;
  const clock = { sleep: () => new Promise<void>((resolve) => (tick = resolve)) };
  const answers = new Answers(async (some) => void written.push(some.map(({ told }) => told)), clock);
  const given = Array.from({ length: 5 }, () =>
    answers.give(new Promise<Answered>((resolve) => answer.push(resolve))),
  );
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return {
    written,
    given,
    come: async (...numbers: number[]) => {
      for (const n of numbers)
        answer[n]!({ result: { kind: "result", ok: true, outcome: "added" }, told: `${n}` });
      await settle();
    },
    goOn: async () => {
      tick();
      await settle();
    },
  };
}

test("in the order of the messages, some in one write, the last at once", async () => {
  const { written, given, come, goOn } = conversation();
  await come(1, 2);
  await goOn();
  assert.deepEqual(written, [], "the first is not there");
  await come(0);
  assert.deepEqual(written, [], "others may follow");
  await goOn();
  assert.deepEqual(written, [["0", "1", "2"]]);
  await Promise.all(given.slice(0, 3));
  await come(3);
  await come(4);
  assert.deepEqual(written, [
    ["0", "1", "2"],
    ["3", "4"],
  ]);
  await goOn();
  await Promise.all(given);
  assert.equal(written.length, 2);
});

test("one that is awaited by nobody else waits for nothing", async () => {
  const written: string[] = [];
  const never = { sleep: () => new Promise<void>(() => undefined) };
  const answers = new Answers(async (some) => void written.push(...some.map(({ told }) => told)), never);
  for (const told of ["a", "b"])
    await answers.give(Promise.resolve({ result: { kind: "result", ok: true }, told }));
  assert.deepEqual(written, ["a", "b"]);
});

test("an error of ours, or one in writing, is told to whoever waits, and to those behind", async () => {
  const never = { sleep: () => new Promise<void>(() => undefined) };
  const answers = new Answers(async () => undefined, never);
  const bad = answers.give(Promise.reject(new Error("ours")));
  const behind = answers.give(Promise.resolve({ result: { kind: "result", ok: true }, told: "" }));
  await assert.rejects(bad, /ours/);
  await assert.rejects(behind, /ours/);
  const broken = new Answers(() => Promise.reject(new Error("gone")), never);
  await assert.rejects(
    broken.give(Promise.resolve({ result: { kind: "result", ok: true }, told: "" })),
    /gone/,
  );
});

test("one write waits for the one before it, however slow that is", async () => {
  const written: string[] = [];
  let go = (): void => undefined;
  const slow = new Promise<void>((resolve) => (go = resolve));
  const write = async (some: readonly Answered[]) => {
    if (some[0]!.told === "0") await slow;
    written.push(...some.map(({ told }) => told));
  };
  const answers = new Answers(write, { sleep: () => Promise.resolve() });
  const result = { kind: "result", ok: true } as const;
  const given = ["0", "1"].map(async (told) => {
    if (told === "1") await new Promise((resolve) => setImmediate(resolve));
    await answers.give(Promise.resolve({ result, told }));
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  go();
  await Promise.all(given);
  assert.deepEqual(written, ["0", "1"]);
});
