import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { neverStopped } from "./never-stop.ts";
import { planUnits, type Situation } from "./plan.ts";
import type { VulnerablePath } from "./reach.ts";
import type { Allowed, Held } from "./records.ts";
import type { Unit } from "./units.ts";

const foo: VulnerablePath = {
  path: "/nix/store/foo",
  advisory: "CVE-1",
  units: [],
  neededBy: new Set(["/nix/store/foo", "/nix/store/web"]),
};
const unit = (name: string, more: Partial<Unit> = {}): Unit => ({
  name,
  runs: true,
  exists: true,
  cgroup: "",
  startedBy: [],
  takesAlong: [],
  ...more,
});
const held = (name: string, more: Partial<Held> = {}): Held => ({
  version: 1,
  unit: name,
  since: "2026-01-01T00:00:00Z",
  because: "",
  advisories: ["CVE-1"],
  startedBy: [],
  alongWith: [],
  runs: [],
  commands: [],
  ...more,
});

function situation(
  units: readonly Unit[],
  runs: Readonly<Record<string, string>>,
  more: Partial<Situation> = {},
): Situation {
  return {
    units: new Map(units.map((one) => [one.name, one])),
    runs: new Map(Object.entries(runs).map(([name, path]) => [name, new Set([path])])),
    commands: new Map(),
    unseen: [],
    vulnerable: [foo],
    held: [],
    allowed: [],
    neverStop: neverStopped([]),
    ...more,
  };
}

const web = "/nix/store/web";
const names = (list: readonly { readonly unit: string }[]): string[] => list.map((one) => one.unit);

test("exactly what reaches the path is stopped, and it is said by what", () => {
  const units = [unit("a.service"), unit("b.service"), unit("c.service", { runs: false })];
  const { stop } = planUnits(
    situation(units, { "a.service": web, "b.service": "/nix/store/other", "c.service": web }),
  );
  assert.deepEqual(names(stop), ["a.service"]);
  assert.equal(stop[0]!.because, "runs /nix/store/web, which refers to /nix/store/foo (CVE-1)");
  const itself = planUnits(situation([unit("a.service")], { "a.service": foo.path }));
  assert.equal(itself.stop[0]!.because, "runs /nix/store/foo (CVE-1)");
});

test("when the team names units, only these are meant", () => {
  const named = { ...foo, units: ["b.service"] };
  const units = [unit("a.service"), unit("b.service")];
  const { stop } = planUnits(
    situation(units, { "a.service": web, "b.service": web }, { vulnerable: [named] }),
  );
  assert.deepEqual(names(stop), ["b.service"]);
});

test("what a running socket would start is stopped with its socket; with a stopped one it is not looked at", () => {
  const late = unit("late.service", { runs: false, startedBy: ["late.socket"] });
  const socket = unit("late.socket");
  const { stop } = planUnits(situation([late, socket], { "late.service": web }));
  assert.deepEqual(stop[0]!.startedBy, ["late.socket"]);
  assert.deepEqual(
    planUnits(situation([late, { ...socket, runs: false }], { "late.service": web })).stop,
    [],
  );
});

test("units that may never stop stay, and so does what would take them along, from one to the next", () => {
  const units = [
    unit("db.service", { takesAlong: ["app.service"] }),
    unit("app.service", { takesAlong: ["app.service", "sshd.service", "gone.service"] }),
    unit("sshd.service"),
    unit("ssh-agent.service", { startedBy: ["sshd.socket"] }),
    unit("sshd.socket"),
  ];
  const runs = { "db.service": web, "sshd.service": web, "ssh-agent.service": web };
  const { stop, keep } = planUnits(situation(units, runs));
  assert.deepEqual(stop, []);
  assert.match(keep.find((one) => one.unit === "db.service")!.because, /with it sshd\.service would stop/);
  assert.match(keep.find((one) => one.unit === "sshd.service")!.because, /never stopped$/);
  assert.match(keep.find((one) => one.unit === "ssh-agent.service")!.because, /with it sshd\.socket/);
});

test("a hold stays while it is needed, and goes when the path, the policy or the list says so", () => {
  const a = unit("a.service", { runs: false });
  const holding = { held: [held("a.service")] };
  assert.deepEqual(names(planUnits(situation([a], { "a.service": web }, holding)).stay), ["a.service"]);
  assert.deepEqual(names(planUnits(situation([a], { "a.service": "/nix/store/fixed" }, holding)).release), [
    "a.service",
  ]);
  assert.deepEqual(names(planUnits(situation([a], {}, { ...holding, vulnerable: [] })).release), [
    "a.service",
  ]);
  const listed = { ...holding, neverStop: neverStopped(["a.*"]) };
  assert.deepEqual(names(planUnits(situation([a], { "a.service": web }, listed)).release), ["a.service"]);
  assert.deepEqual(
    names(planUnits(situation([], {}, holding)).release),
    ["a.service"],
    "a unit that is no more",
  );
  const again = planUnits(situation([unit("a.service")], { "a.service": web }, holding));
  assert.deepEqual(names(again.stop), ["a.service"], "a held unit that runs is stopped again");
});

test("what somebody started again is left alone for these advisories, not for the next, and not for ever", () => {
  const allowed: Allowed[] = [
    { version: 1, unit: "a.service", since: "2026-01-01T00:00:00Z", advisories: ["CVE-1"] },
  ];
  const units = [unit("a.service")];
  const runs = { "a.service": web };
  const one = planUnits(situation(units, runs, { allowed }));
  assert.deepEqual([one.stop, one.forget], [[], []]);
  assert.match(one.keep[0]!.because, /somebody started it again/);
  const next = { ...foo, advisory: "CVE-2" };
  assert.deepEqual(names(planUnits(situation(units, runs, { allowed, vulnerable: [foo, next] })).stop), [
    "a.service",
  ]);
  assert.deepEqual(names(planUnits(situation(units, { "a.service": "/x" }, { allowed })).forget), [
    "a.service",
  ]);
});

test("nothing that may never stop is ever in a plan's stops, with all that goes along", () => {
  const name = fc.constantFrom("a.service", "b.service", "c.service", "sshd.service", "x.socket", "y.timer");
  const anyUnit = fc.record({
    name,
    runs: fc.boolean(),
    exists: fc.boolean(),
    cgroup: fc.constant(""),
    startedBy: fc.array(name, { maxLength: 3 }),
    takesAlong: fc.array(name, { maxLength: 3 }),
  });
  fc.assert(
    fc.property(fc.array(anyUnit), fc.array(name), fc.array(name), (units, vulnerable, holds) => {
      const runs = Object.fromEntries(vulnerable.map((one) => [one, web]));
      const found = situation(units, runs, { held: holds.map((one) => held(one)) });
      const plan = planUnits(found);
      for (const { unit: one, startedBy, alongWith } of plan.stop)
        for (const touched of [one, ...startedBy, ...alongWith]) assert.ok(!found.neverStop(touched));
      for (const { unit: one } of plan.stop) assert.ok(vulnerable.some((name) => name === one));
      for (const { unit: one } of plan.release) assert.ok(!names(plan.stay).includes(one));
    }),
  );
});
