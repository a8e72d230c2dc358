import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { NixsealError } from "../../../core/errors.ts";
import { generatedAdvisories, generatedClosure } from "../../../../test/support/advisory-feed.ts";
import { auditClosure } from "../../match/audit-closure.ts";
import { packagesOfList } from "../../packages/from-paths.ts";
import { emptyAdvisory, type Advisory } from "../advisory.ts";
import { advisorySet } from "../advisory-set.ts";
import { buildIndex } from "./build.ts";
import { AdvisoryIndex } from "./read.ts";

const advisories = [...generatedAdvisories({ advisories: 500, rangesEach: 4, seed: 7 })];
const bytes = buildIndex(advisories);
const closure = packagesOfList(generatedClosure(300, 8).join("\n"));

test("everything that went in is found, and the order of advisories does not matter", () => {
  const index = new AdvisoryIndex(bytes);
  assert.equal(index.advisories, 500);
  assert.equal(
    index.ranges,
    advisories.reduce((sum, { affected }) => sum + affected[0]!.ranges.length, 0),
  );
  for (const advisory of advisories) {
    const number = index.findAdvisory(advisory.id)!;
    const read = index.advisory(number);
    assert.deepEqual(
      [read.id, read.summary, read.score, read.exploited],
      [advisory.id, advisory.summary, advisory.score, advisory.exploited],
    );
    assert.ok(Math.abs(read.epss! - advisory.epss!) < 1e-9);
    const rows = index.find(`product:${advisory.affected[0]!.name}`)!;
    const own = Array.from({ length: rows.end - rows.first }, (_, i) => rows.first + i).filter(
      (row) => index.rowAdvisory(row) === number,
    );
    assert.deepEqual(
      own.map((row) => ({
        from: index.text(index.rowFrom(row)) || null,
        to: index.text(index.rowTo(row)),
        end: index.rowFlags(row).end,
      })),
      advisory.affected[0]!.ranges.map(({ from, to, end }) => ({ from, to, end })),
    );
  }
  assert.equal(index.find("product:nothing"), null);
  assert.equal(index.findAdvisory("CVE-0000-0000"), null);
  const reversed = new AdvisoryIndex(buildIndex(advisories.toReversed()));
  const report = (of: AdvisoryIndex) =>
    auditClosure(closure, advisorySet([of], null), new Date(0), { all: true });
  assert.deepEqual(report(reversed), report(index));
});

test("an id twice is a conflict; ids, fields and revisions outside of ASCII keep their order", () => {
  const one = (id: string): Advisory => ({ ...emptyAdvisory, id });
  assert.throws(() => buildIndex([one("A-1"), one("A-1")]), { code: "conflict" });
  const places = ["c", "a", "b"].map((letter, ordinal) => ({
    channel: "nixos-26.05",
    revision: letter.repeat(40),
    ordinal,
  }));
  const index = new AdvisoryIndex(
    buildIndex(
      [one("B-1"), { ...one("A-1"), team: { units: ["x.service"] } }],
      [...places, { ...places[0]!, channel: "nixos-unstable" }],
    ),
  );
  assert.deepEqual(index.channelsOf("a".repeat(40)), [{ channel: "nixos-26.05", ordinal: 1 }]);
  assert.deepEqual(
    index.channelsOf("c".repeat(40)).map(({ channel }) => channel),
    ["nixos-26.05", "nixos-unstable"],
  );
  assert.deepEqual(index.channelsOf("d".repeat(40)), []);
  assert.deepEqual(
    [...index.withTeamFields()].map((number) => index.teamFields(number)),
    [{ units: ["x.service"] }],
  );
});

test("plain numbers compare in place as they do as text", () => {
  const version = fc.array(fc.oneof(fc.nat({ max: 20 }), fc.nat()), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(version, version, (a, b) => {
      const index = new AdvisoryIndex(buildIndex([{ ...emptyAdvisory, id: b.join(".") }]));
      const width = Math.max(a.length, b.length);
      const pad = (list: number[]): number[] => [...list, ...Array<number>(width - list.length).fill(0)];
      const differs =
        pad(a)
          .map((x, i) => Math.sign(x - pad(b)[i]!))
          .find((sign) => sign !== 0) ?? 0;
      assert.equal(index.compareNumbers(a, 1), differs);
    }),
  );
  for (const odd of ["1.", ".1", "1..2", "1a", "x", "1.9999999999999999"]) {
    const index = new AdvisoryIndex(buildIndex([{ ...emptyAdvisory, id: odd }]));
    assert.equal(index.compareNumbers([1], 1), undefined, odd);
  }
});

test("a damaged index ends in an answer or in malformed, never in anything else", () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean(), (place, flip, inHead) => {
      const damaged = Uint8Array.from(bytes);
      damaged[place % (inHead ? 200 : bytes.length)]! ^= flip;
      try {
        const index = new AdvisoryIndex(damaged);
        auditClosure(closure, advisorySet([index, index], null), new Date(0), { all: true });
      } catch (error) {
        assert.ok(error instanceof NixsealError && error.code === "malformed", String(error));
      }
    }),
    { numRuns: 400 },
  );
  for (let length = 0; length < bytes.length; length += 997)
    assert.throws(() => new AdvisoryIndex(bytes.subarray(0, length)), { code: "malformed" });
});
