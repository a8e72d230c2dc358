import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyAdvisory } from "../advisories/advisory.ts";
import { advisorySet } from "../advisories/advisory-set.ts";
import { parseChannelTable } from "../advisories/channels.ts";
import { buildIndex } from "../advisories/index/build.ts";
import { AdvisoryIndex } from "../advisories/index/read.ts";
import { utf8 } from "../../core/bytes.ts";
import { auditLock } from "./audit-lock.ts";

const revision = (letter: string): string => letter.repeat(40);
const table = parseChannelTable(
  utf8(
    JSON.stringify({
      "nixos-26.05": ["a", "b", "c"].map(revision),
      "nixos-unstable": ["d", "e"].map(revision),
    }),
  ),
);
const advisory = {
  ...emptyAdvisory,
  id: "TEAM-1",
  team: { channels: [{ channel: "nixos-26.05", fixed: revision("b") }] },
};
const set = advisorySet([new AdvisoryIndex(buildIndex([advisory], table))], null);
const verdictOf = (letter: string) =>
  auditLock([{ node: "nixpkgs", revision: revision(letter) }], set)[0]!.verdict;

test("a revision before the fix lacks it; at the fix and after it has it", () => {
  assert.deepEqual(["a", "b", "c"].map(verdictOf), ["affected", "not-affected", "not-affected"]);
});

test("a revision of another channel, or of none, is unknown", () => {
  assert.deepEqual(["d", "f"].map(verdictOf), ["unknown", "unknown"]);
});

test("a layer over the table hides an advisory; tables of all layers count", () => {
  const over = advisorySet(
    [set.layers[0]!.index, new AdvisoryIndex(buildIndex([{ ...advisory, withdrawn: true }]))],
    null,
  );
  assert.deepEqual(auditLock([{ node: "nixpkgs", revision: revision("a") }], over), []);
  const later = { ...advisory, team: { channels: [{ channel: "nixos-unstable", fixed: revision("e") }] } };
  const moved = advisorySet([set.layers[0]!.index, new AdvisoryIndex(buildIndex([later]))], null);
  assert.equal(auditLock([{ node: "nixpkgs", revision: revision("d") }], moved)[0]!.verdict, "affected");
});

test("a channel table of anything but revisions is malformed", () => {
  for (const text of ['{"x":["abc"]}', '{"x":{}}', "[]", '{"x":[1]}'])
    assert.throws(() => parseChannelTable(utf8(text)), { code: "malformed" }, text);
});
