import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { after, begin } from "../../../test/support/advisory-publisher.ts";
import { auditContext } from "../../../test/support/audit-context.ts";
import { exitCodes } from "../../core/exit.ts";
import { parseChannelTable } from "../../audit/advisories/channels.ts";
import { emptyAdvisory } from "../../audit/advisories/advisory.ts";
import { buildIndex } from "../../audit/advisories/index/build.ts";
import type { Report } from "../../audit/report.ts";
import { utf8 } from "../../core/bytes.ts";
import type { Context } from "../op.ts";
import { audit } from "./audit.ts";
import { plain, rendered, type Format } from "./formats.ts";

/** Runs the verb as the command line does, at a time of the test's choice. */
async function run(context: Context, given: Record<string, unknown>) {
  const input = audit.input.parse(given) as never;
  const result: unknown = await audit.run(context, input);
  const text = (format: string): string => rendered(result as Report, format as Format, plain);
  return { report: result as Report, text, exit: audit.exit!(result as never) };
}

async function following(context: TestContext, clean: boolean, now: Date): Promise<Context> {
  const { client } = await begin(context);
  const world = auditContext(context, now, { NIXSEAL_ADVISORIES: client.directory });
  writeFileSync(
    join(world.workingDirectory, "closure"),
    `/nix/store/${"0".repeat(32)}-${clean ? "bar" : "foo"}-1.0\n`,
  );
  return world;
}

test("advisories that are out of date: exit 5 in every case, and in no format anything like clean", async (context) => {
  const before = await run(await following(context, true, after(1)), { target: "closure" });
  assert.equal(before.exit, exitCodes.done);
  assert.match(before.text("text"), /^nothing found/m);
  for (const clean of [true, false]) {
    const { report, text, exit } = await run(await following(context, clean, after(300)), {
      target: "closure",
    });
    assert.equal(exit, exitCodes.stale);
    assert.equal(report.vulnerabilities?.state, "stale");
    for (const format of ["text", "json", "sarif", "junit", "html", "vex"])
      assert.match(text(format), /stale/i, format);
    assert.doesNotMatch(text("html"), /class="clean"/);
    assert.match(text("junit"), /<failure type="stale"/);
    assert.match(text("sarif"), /"level": "error",\s+"message": \{\s+"text": "STALE/);
  }
});

test("a clock that was set back does not make old advisories new", async (context) => {
  const { feed, client } = await begin(context);
  await feed.publish(after(3), null);
  await client.update(feed, after(3));
  const world = auditContext(context, after(-300), { NIXSEAL_ADVISORIES: client.directory });
  writeFileSync(join(world.workingDirectory, "closure"), `/nix/store/${"0".repeat(32)}-foo-1.0\n`);
  const { report } = await run(world, { target: "closure" });
  assert.equal(report.vulnerabilities?.feed?.version, 1);
  assert.equal(report.findings.length, 1);
});

const lock = (revision: string): string =>
  JSON.stringify(
    {
      version: 7,
      root: "root",
      nodes: {
        nixpkgs: {
          locked: {
            type: "github",
            owner: "NixOS",
            repo: "nixpkgs",
            rev: revision,
            narHash: "sha256-x",
            lastModified: 1_780_000_000,
          },
          original: { type: "github", owner: "NixOS", repo: "nixpkgs", ref: "nixos-26.05" },
        },
        root: { inputs: { nixpkgs: "nixpkgs" } },
      },
    },
    null,
    2,
  );

test("a flake.lock against the channel table, with its line; in a directory beside what checks say", async (context) => {
  const world = auditContext(context, after(30));
  const fixed = {
    ...emptyAdvisory,
    id: "TEAM-7",
    summary: "flaw",
    team: { channels: [{ channel: "nixos-26.05", fixed: "b".repeat(40) }] },
  };
  const table = parseChannelTable(utf8(JSON.stringify({ "nixos-26.05": ["a".repeat(40), "b".repeat(40)] })));
  writeFileSync(join(world.workingDirectory, "index"), buildIndex([fixed], table));
  const directory = join(world.workingDirectory, "fleet");
  mkdirSync(directory);
  for (const [revision, verdicts] of [
    ["a", ["affected"]],
    ["b", []],
    ["c", ["unknown"]],
  ] as const) {
    writeFileSync(join(directory, "flake.lock"), lock(revision.repeat(40)));
    for (const target of ["fleet", "fleet/flake.lock"]) {
      const { report } = await run(world, { target, index: ["index"] });
      const found = report.findings.filter(({ package: name }) => name === "nixpkgs");
      assert.deepEqual(
        found.map(({ verdict }) => verdict),
        verdicts,
        target,
      );
      for (const { file, line, hint } of found)
        assert.deepEqual([file, line, hint], ["flake.lock", 5, "nix flake update nixpkgs"]);
      assert.equal(report.vulnerabilities?.coverage, null);
    }
  }
  const all = await run(world, { target: "fleet", index: ["index"], all: true });
  assert.equal(all.report.findings.filter(({ package: name }) => name === "nixpkgs").length, 1);
});

test("without advisories: a directory says so, whoever asks by name gets an error, no lock asks for none", async (context) => {
  const world = auditContext(context, after(30));
  const directory = join(world.workingDirectory, "fleet");
  mkdirSync(directory);
  const nothing = await run(world, { target: "fleet" });
  assert.equal(nothing.report.vulnerabilities?.state, "nothing");
  writeFileSync(join(directory, "flake.lock"), lock("a".repeat(40)));
  const { report, text } = await run(world, { target: "fleet" });
  assert.equal(report.vulnerabilities?.state, "missing");
  for (const format of ["text", "html", "junit", "sarif"])
    assert.match(text(format), /advisories update/, format);
  assert.deepEqual((await run(world, { target: "fleet", only: "config" })).report.vulnerabilities, null);
  await assert.rejects(run(world, { target: "fleet", only: "vulnerabilities" }), { code: "not-found" });
  writeFileSync(join(world.workingDirectory, "closure"), `/nix/store/${"0".repeat(32)}-foo-1.0\n`);
  await assert.rejects(run(world, { target: "closure" }), { code: "not-found" });
  await assert.rejects(run(world, { target: "closure", index: ["nowhere"] }), { code: "not-found" });
});

test("what is unknown keeps its severity and fails nothing, unless that is asked for", async (context) => {
  const world = auditContext(context, after(30));
  const named = {
    ...emptyAdvisory,
    id: "CVE-2026-9",
    score: 9.8,
    affected: [
      {
        kind: "product",
        name: "panel",
        vendor: "acme",
        target: "",
        reason: "",
        source: "x",
        ranges: [
          { status: "affected", type: "custom", from: null, fromExclusive: false, to: "2", end: "before" },
        ],
      },
    ],
  } as const;
  writeFileSync(join(world.workingDirectory, "index"), buildIndex([named]));
  writeFileSync(join(world.workingDirectory, "closure"), `/nix/store/${"0".repeat(32)}-panel-1.0\n`);
  const asked = async (failOn: string) => run(world, { target: "closure", index: ["index"], failOn });
  const { report, exit, text } = await asked("low");
  assert.deepEqual(
    report.findings.map(({ verdict, severity }) => [verdict, severity]),
    [["unknown", "critical"]],
  );
  assert.equal(exit, exitCodes.done);
  assert.match(text("text"), /unknown \(nothing but the name is the same\): CVE-2026-9/);
  assert.match(text("text"), /0 of 1 packages \(0 %\)/);
  assert.equal((await asked("info")).exit, exitCodes.findings);
});
