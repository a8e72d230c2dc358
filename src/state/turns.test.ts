import assert from "node:assert/strict";
import { test } from "node:test";
import { Turns } from "./turns.ts";

const soon = () => new Promise<void>((resolve) => setImmediate(resolve));

test("what is wanted meanwhile is done under one lock, one after another, and others come in between", async () => {
  const log: string[] = [];
  let busy = false;
  const turns = new Turns(async () => {
    await soon();
    log.push("lock");
    return { release: async () => void log.push("release") };
  });
  const take = (name: string) =>
    turns.take(async () => {
      assert.equal(busy, false);
      busy = true;
      await soon();
      busy = false;
      log.push(name);
      return name;
    });
  assert.deepEqual(await Promise.all([take("a"), take("b"), take("c")]), ["a", "b", "c"]);
  await soon();
  assert.deepEqual(log.splice(0), ["lock", "a", "b", "c", "release"]);
  await take("d");
  await soon();
  assert.deepEqual(log.splice(0), ["lock", "d", "release"]);
  await Promise.all(Array.from({ length: 100 }, (_, n) => take(String(n))));
  assert.equal(log.filter((one) => one === "lock").length, 4, "a hundred at 32 a lock");
});

test("what fails fails alone; without a lock nothing is done, and the next one asks for it anew", async () => {
  let holds = false;
  let done = 0;
  const turns = new Turns(async () => {
    if (!holds) throw new Error("somebody else writes");
    return { release: async () => undefined };
  });
  const work = async () => ++done;
  const refused = await Promise.allSettled([turns.take(work), turns.take(work)]);
  assert.deepEqual([refused.map(({ status }) => status), done], [["rejected", "rejected"], 0]);
  holds = true;
  const broken = async () => Promise.reject(new Error("no space"));
  const some = await Promise.allSettled([turns.take(work), turns.take(broken), turns.take(work)]);
  assert.deepEqual(
    some.map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled"],
  );
});
