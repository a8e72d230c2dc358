import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { rollOut, type RolloutPlan, type RolloutWork } from "./rollout.ts";
import type { Outcome } from "./waves.ts";

const plan: RolloutPlan = {
  canary: 1,
  steps: [50],
  parallel: 4,
  soak: 30,
  budget: { failures: 0, beyond: "stop" },
};

function fleet(
  outcomes: readonly Outcome[],
  check: () => string | null = () => null,
  idle: readonly number[] = [],
) {
  const log: string[] = [];
  let busy = 0;
  let most = 0;
  const work: RolloutWork<number> = {
    clock: { sleep: async (milliseconds) => void log.push(`soak ${milliseconds / 1000}`) },
    name: (host) => `h${host}`,
    isIdle: (host) => idle.includes(host),
    deploy: async (host) => {
      most = Math.max(most, ++busy);
      await new Promise((resolve) => setImmediate(resolve));
      busy--;
      log.push(`h${host}`);
      return { host: `h${host}`, outcome: outcomes[host]!, message: "", changed: true };
    },
    check: async (done) => {
      log.push(`check ${done.join(",")}`);
      return check();
    },
    begin: (wave, number, waves) => void log.push(`wave ${number}/${waves}: ${wave.join(",")}`),
  };
  return { log, work, hosts: outcomes.map((_, index) => index), most: () => most };
}

test("a canary, a soak and a look, then the next wave", async () => {
  const { log, work, hosts } = fleet(["done", "done", "offline", "done"]);
  const report = await rollOut(hosts, plan, work);
  assert.deepEqual(log, [
    "wave 1/3: 0",
    "h0",
    "soak 30",
    "check 0",
    "wave 2/3: 1,2",
    "h1",
    "h2",
    "soak 30",
    "check 0,1",
    "wave 3/3: 3",
    "h3",
  ]);
  assert.deepEqual([report.ended, report.untouched, report.reports.length], [null, [], 4]);
});

test("no wave waits for those behind it that have nothing to do", async () => {
  const some = fleet(["done", "done", "done", "done"], undefined, [1, 2, 3]);
  await rollOut(some.hosts, plan, some.work);
  assert.deepEqual(
    some.log.filter((line) => line.startsWith("soak")),
    [],
  );
  const last = fleet(["done", "done", "done", "done"], undefined, [0, 1, 2]);
  await rollOut(last.hosts, plan, last.work);
  assert.deepEqual(last.log.filter((line) => line.startsWith("soak")).length, 2, "the last one is changed");
});

test("a canary that fails, is offline, or sickens afterwards ends it with the others untouched", async () => {
  for (const [outcome, check, reason] of [
    ["failed", null, "1 failed, 0 may"],
    ["offline", null, "no canary is done"],
    ["done", "web0 answers 500", "web0 answers 500"],
  ] as const) {
    const { work, hosts } = fleet([outcome, "done", "done"], () => check);
    const report = await rollOut(hosts, plan, work);
    assert.deepEqual(report.ended, { how: "stop", reason });
    assert.deepEqual(report.untouched, ["h1", "h2"]);
  }
});

test("within a wave nobody new begins once the budget is spent, and what began is seen through", async () => {
  const { work, hosts } = fleet(["failed", "done", ...Array.from({ length: 8 }, (): Outcome => "done")]);
  const wide = {
    ...plan,
    canary: 0,
    steps: [],
    parallel: 2,
    budget: { failures: 0, beyond: "revert" as const },
  };
  const report = await rollOut(hosts, wide, work);
  assert.deepEqual(report.ended, { how: "revert", reason: "1 failed, 0 may" });
  assert.deepEqual(
    report.reports.map(({ host }) => host),
    ["h0", "h1"],
  );
  assert.equal(report.untouched.length, 8);
});

test("every host is begun at most once, never more at once than said, and none is forgotten", async () => {
  const outcome = fc.constantFrom<Outcome>("done", "failed", "offline");
  const settings = fc.record({
    canary: fc.nat(3),
    steps: fc.array(fc.integer({ min: 1, max: 100 }), { maxLength: 3 }),
    parallel: fc.integer({ min: 1, max: 6 }),
    failures: fc.nat(4),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(outcome, { maxLength: 40 }),
      settings,
      async (outcomes, { failures, ...rest }) => {
        const { work, hosts, most } = fleet(outcomes);
        const report = await rollOut(hosts, { ...rest, soak: 0, budget: { failures, beyond: "stop" } }, work);
        const all = [...report.reports.map(({ host }) => host), ...report.untouched].sort();
        assert.deepEqual(all, hosts.map((host) => `h${host}`).sort());
        assert.ok(most() <= rest.parallel);
        if (report.ended === null) assert.deepEqual(report.untouched, []);
        const failed = report.reports.filter((one) => one.outcome === "failed").length;
        assert.ok(failed <= failures + rest.parallel);
      },
    ),
  );
});

test("what breaks with one host breaks nothing off: the others that have begun are seen through, and no more begin", async () => {
  const { log, work, hosts } = fleet(["done", "done", "done", "done", "done", "done"]);
  const broken: typeof work = {
    ...work,
    deploy: async (host) => {
      if (host === 0) throw new Error("the log cannot be written");
      return work.deploy(host);
    },
  };
  await assert.rejects(rollOut(hosts, { ...plan, canary: 0, steps: [] }, broken), /cannot be written/);
  assert.deepEqual(log, ["wave 1/1: 0,1,2,3,4,5", "h1", "h2", "h3"]);
});
