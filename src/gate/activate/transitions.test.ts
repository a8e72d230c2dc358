import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { noon, pathOf } from "../../../test/support/warrants.ts";
import type { Activation, Phase } from "./activation.ts";
import { begun, failed, mostTries, resumed, revertFailed, tested, wayBack } from "./transitions.ts";

const [neu, old, third] = [pathOf("new"), pathOf("old"), pathOf("third")];
const start = begun({
  bootId: "1",
  action: "switch",
  toplevel: neu,
  previous: old,
  before: old,
  warrant: "ab".repeat(32),
  sequence: "web",
  seq: 1,
  principals: ["alice"],
  peer: null,
  log: null,
  began: noon,
});
const at = (phase: Phase, more: Partial<Activation> = {}): Activation => ({
  ...start,
  phase,
  touched: phase === "committing",
  deadline: 100,
  nonce: "00".repeat(32),
  outcome: phase === "finishing" ? "active" : null,
  ...more,
});

suite("an activation that was cut short", () => {
  const rows: [Activation, "same" | "other", typeof neu, string][] = [
    [at("testing"), "same", old, "reverting"],
    [at("testing"), "same", neu, "reverting"],
    [at("checking"), "same", neu, "reverting"],
    [at("confirming"), "same", neu, "waits"],
    [at("confirming", { deadline: 50 }), "same", neu, "reverting"],
    [at("committing"), "same", neu, "committing"],
    [at("committing"), "same", old, "reverting"],
    [at("committing", { action: "boot" }), "same", old, "committing"],
    [at("reverting"), "same", old, "reverting"],
    [at("finishing"), "same", neu, "finishing active"],
    [at("testing"), "other", old, "finishing interrupted"],
    [at("checking"), "other", old, "finishing interrupted"],
    [at("confirming"), "other", old, "finishing interrupted"],
    [at("confirming"), "other", third, "finishing interrupted"],
    [at("committing"), "other", neu, "committing"],
    [at("committing"), "other", old, "reverting"],
    [at("committing"), "other", third, "reverting"],
    [at("committing", { action: "boot" }), "other", neu, "committing"],
    [at("committing", { action: "boot" }), "other", old, "reverting"],
    [at("reverting"), "other", old, "finishing interrupted"],
    [at("reverting", { touched: true }), "other", neu, "reverting"],
    [at("finishing"), "other", neu, "finishing active"],
  ];
  for (const [activation, boot, running, expected] of rows) {
    const { phase, action } = activation;
    const where = `${boot} boot, ${running === neu ? "new" : running === old ? "old" : "third"} runs`;
    test(`while ${phase} (${action}): ${where}`, () => {
      const next = resumed(activation, { bootId: boot === "same" ? "1" : "2", uptime: 60, running });
      const said = next === null ? "waits" : [next.phase, next.outcome ?? ""].join(" ").trim();
      assert.equal(said, expected);
    });
  }
});

test("whoever chose another system in the boot menu keeps it", () => {
  const activation = at("reverting", { touched: true });
  assert.deepEqual(wayBack(activation, { bootId: "2", running: third }), { activate: false, profile: true });
  assert.deepEqual(wayBack(activation, { bootId: "2", running: neu }), { activate: true, profile: true });
  assert.deepEqual(wayBack(at("reverting"), { bootId: "1", running: old }), {
    activate: true,
    profile: false,
  });
  const boot = at("reverting", { action: "boot", touched: true });
  assert.deepEqual(wayBack(boot, { bootId: "1", running: old }), { activate: false, profile: true });
});

test("going back is tried a few times, then a person must look", () => {
  let activation = failed(at("checking"), "unhealthy");
  for (let attempt = 1; attempt < mostTries; attempt++) {
    activation = revertFailed(activation, "no");
    assert.equal(activation.phase, "reverting");
  }
  activation = revertFailed(activation, "no");
  assert.deepEqual([activation.phase, activation.outcome], ["finishing", "broken"]);
  assert.match(activation.reason!, /^unhealthy; going back failed: no$/);
});

test("a system that says it needs a boot is believed only while nothing changed", () => {
  const verdict = { kind: "needs-boot", reason: "boot" } as const;
  assert.equal(tested(start, verdict, old).outcome, "unchanged");
  assert.equal(tested(start, verdict, neu).phase, "reverting");
});
