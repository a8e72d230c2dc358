import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { keyLine } from "../../test/support/fleets.ts";
import { NixsealError } from "../core/errors.ts";
import { planRemove, planRename } from "./edit/change.ts";
import { inspectSources } from "./load.ts";
import type { MemberName } from "./model.ts";
import { reviewFleet } from "./review.ts";
import { oneHost } from "./selectors.ts";
import { sourceOf } from "./sources.ts";

const sample = Buffer.from(`
include = ["hosts/*.toml"]
[fleet]
name = "bos55"
[hosts.lufta] # ä
address = "lufta.example.org"
port = 22
host_keys = ["${keyLine("lufta")}"]
tags = ["prod", 'web']
[members.alice]
keys = [
  "${keyLine("alice")}", # hers
]
groups = ["infra"]
[secrets.grafana-admin]
hosts = ["lufta", "!tag:db", "l*"]
readers = ["group:infra"]
mode = "0400"
credential = { unit = "grafana.service", name = "admin" }
generator = { kind = "password", length = 0x20 }
max_age = "90d"
`);

const change = fc.record({
  at: fc.nat(sample.length),
  cut: fc.nat(12),
  put: fc.oneof(
    fc.uint8Array({ maxLength: 4 }),
    fc
      .constantFrom(
        '"',
        "'",
        "[",
        "]",
        "{",
        "}",
        "=",
        ".",
        "\n",
        "[[",
        '"""',
        "#",
        "\\u0000",
        "__proto__",
        "!",
        "tag:",
        "1e400",
        "-nan",
        "\u{1f600}",
      )
      .map((text) => Buffer.from(text)),
  ),
});

function mutate(changes: readonly { at: number; cut: number; put: Uint8Array }[]): Uint8Array {
  return changes.reduce<Uint8Array>(
    (bytes, { at, cut, put }) => Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + cut)]),
    sample,
  );
}

/** Whatever the bytes: a fleet, problems with their file, or a NixsealError with its file. Nothing else. */
async function survives(bytes: Uint8Array): Promise<void> {
  try {
    const { fleet, problems } = await inspectSources([sourceOf("fleet.toml", bytes)]);
    assert.equal(fleet === null, problems.length > 0);
    for (const problem of problems) {
      assert.equal(problem.file, "fleet.toml");
      assert.notEqual(problem.line, undefined, problem.message);
      // oxlint-disable-next-line no-control-regex -- exactly these must not get through
      assert.doesNotMatch(problem.message, /[\u0000-\u001f]/);
    }
    if (fleet !== null) reviewFleet(fleet);
  } catch (error) {
    if (!(error instanceof NixsealError)) throw error;
    assert.ok(["config", "malformed"].includes(error.code), error.code);
    assert.equal(error.where?.file, "fleet.toml");
    if (error.code === "config") assert.ok((error.where?.line ?? 0) >= 1);
  }
}

test("fuzz: a damaged fleet.toml gives problems with places or a NixsealError with its place", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) =>
      survives(mutate(changes)),
    ),
    { numRuns: 1500 },
  );
});

test("fuzz: an edit of a damaged file is sound, or a NixsealError", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(change, { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      async (changes, rename) => {
        try {
          const source = sourceOf("fleet.toml", mutate(changes));
          const plan = rename
            ? await planRename([source], "host", "lufta", "ilma")
            : await planRemove([source], "member", "alice");
          const [edited] = plan.changes;
          const { fleet } = await inspectSources([sourceOf("fleet.toml", Buffer.from(edited!.after))]);
          assert.ok(rename ? oneHost(fleet!, "ilma") : !fleet!.members.has("alice" as MemberName));
        } catch (error) {
          if (!(error instanceof NixsealError)) throw error;
          assert.ok(["config", "malformed", "not-found", "conflict"].includes(error.code), error.message);
        }
      },
    ),
    { numRuns: 600 },
  );
});

test("fuzz: any bytes at all", async () => {
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), survives), { numRuns: 500 });
});

test("deep, long and repetitive input ends soon", async () => {
  for (const text of [
    `${"a.".repeat(50_000)}b = 1`,
    `[${"a.".repeat(50_000)}b]`,
    `a = ${"[".repeat(50_000)}`,
    `a = ${"{b=".repeat(50_000)}`,
    `secrets.s.generator = ${"{a=".repeat(10)}1${"}".repeat(10)}`,
    `secrets.s.generator.kind = "x"\nsecrets.s.generator.${"a.".repeat(50_000)}b = 1`,
    '"'.repeat(100_000),
    `[secrets.s]\nhosts = [${'"*a*a*a*a*a*a*a*b",'.repeat(1000)}]`,
    `[hosts.${"a".repeat(64)}]\n[secrets.s]\nhosts = [${'"*a*a*a*a*a*a*a*a*b",'.repeat(1000)}]`,
    "[[hosts]]\n".repeat(10_000),
  ])
    await survives(Buffer.from(text));
});
