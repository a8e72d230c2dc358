import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { SecretValue } from "../../core/secret-value.ts";
import type { Manifest, ManifestSecret, Stage } from "../manifest.ts";
import type { StageOutcome } from "./decrypt-stage.ts";
import type { GenerationIndex } from "./generation-index.ts";
import { planGeneration } from "./plan.ts";

interface Case {
  readonly name: string;
  readonly stage: Stage;
  readonly path: string;
  readonly fails: boolean;
  readonly same: boolean;
}

const names = ["a", "b", "c", "d"];
const paths = ["/etc/1", "/etc/2", "/etc/3", "/etc/4"];
const stages = fc.constantFrom<Stage>("default", "users");

/** Some of the names, each with a path that no other has. */
const cases = fc
  .tuple(
    fc.subarray(names),
    fc.shuffledSubarray(paths, { minLength: 4 }),
    fc.infiniteStream(fc.tuple(stages, fc.boolean(), fc.boolean())),
  )
  .map(([picked, places, rest]) =>
    picked.map((name, index): Case => {
      const [stage, fails, same] = rest.next().value!;
      return { name, stage, path: places[index]!, fails, same };
    }),
  );

const digest = "00".repeat(32);

function manifestOf(list: readonly Case[]): Manifest {
  const secrets = list.map(({ name, stage, path }): ManifestSecret => ({
    name,
    stage,
    path,
    digest,
    source: `${name}.age`,
    owner: "0",
    group: "0",
    mode: "0400",
    restart: [`${name}.service`],
    reload: [],
    credential: null,
    together: null,
  }));
  return { version: 1, host: "h", identities: ["/k"], secrets };
}

function indexOf(list: readonly Case[]): GenerationIndex {
  return {
    version: 1,
    number: 7,
    previous: null,
    stages: ["default", "users"],
    secrets: list.map(({ name, stage, path }) => ({
      name,
      stage,
      path,
      uid: 0,
      gid: 0,
      mode: 0o400,
      digest,
      since: 3,
    })),
    unsettled: { restart: [], reload: [], links: [] },
  };
}

function outcomeOf(manifest: Manifest, list: readonly Case[], stage: Stage): StageOutcome {
  const mine = list.filter((one) => one.stage === stage);
  return {
    good: mine
      .filter(({ fails }) => !fails)
      .map(({ name }) => ({
        secret: manifest.secrets.find((secret) => secret.name === name)!,
        value: SecretValue.fromText("x"),
        uid: 0,
        gid: 0,
        mode: 0o400,
      })),
    failures: mine
      .filter(({ fails }) => fails)
      .map(({ name }) => ({ name, code: "malformed", message: "", hint: null })),
  };
}

test("whatever was there and whatever is wanted", () => {
  fc.assert(
    fc.property(cases, cases, stages, (old, wanted, stage) => {
      const manifest = manifestOf(wanted);
      const outcome = outcomeOf(manifest, wanted, stage);
      const same = new Set(
        wanted.filter((one) => one.same && old.some(({ name }) => name === one.name)).map(({ name }) => name),
      );
      const plan = planGeneration(manifest, stage, outcome, indexOf(old), same);
      const before = new Map(old.map((one) => [one.name, one]));
      const after = new Map(plan.files.map((file) => [file.entry.name, file]));

      for (const { name, stage: its, fails } of wanted) {
        const file = after.get(name);
        if (its === stage && !fails)
          assert.equal(file?.write === null, same.has(name), "written unless it is the same");
        else assert.equal(file !== undefined, before.has(name), "what fails or is not ours stays as it was");
      }
      for (const { name } of old)
        if (!wanted.some((one) => one.name === name))
          assert.equal(after.has(name), false, "gone from the manifest");
      const places = plan.files.map(({ entry }) => entry.path);
      assert.equal(new Set(places).size, places.length, "no path twice");
      assert.deepEqual(
        plan.leftLinks.filter((path) => places.includes(path)),
        [],
      );
      const moved = plan.changes.filter(({ change }) => change === "added" || change === "changed");
      assert.deepEqual(
        plan.restart,
        moved.map(({ name }) => `${name}.service`),
      );
      assert.equal(
        new Set(plan.changes.map(({ name }) => name)).size,
        plan.changes.length,
        "each secret once",
      );
    }),
  );
});

test("the first run of a stage restarts nothing; a manifest that is there already needs nothing", () => {
  const list: Case[] = [{ name: "a", stage: "default", path: "/etc/1", fails: false, same: true }];
  const manifest = manifestOf(list);
  const outcome = outcomeOf(manifest, list, "default");
  const first = planGeneration(
    manifest,
    "default",
    outcome,
    { ...indexOf([]), stages: ["users"] },
    new Set(),
  );
  assert.deepEqual([first.restart, first.needed], [[], true]);
  const again = planGeneration(manifest, "default", outcome, indexOf(list), new Set(["a"]));
  assert.deepEqual(
    [again.restart, again.needed, again.changes],
    [[], false, [{ name: "a", change: "unchanged" }]],
  );
  const moved = planGeneration(
    manifest,
    "default",
    outcome,
    indexOf([{ ...list[0]!, path: "/etc/2" }]),
    new Set(["a"]),
  );
  assert.deepEqual([moved.restart, moved.needed, moved.leftLinks], [["a.service"], true, ["/etc/2"]]);
});
