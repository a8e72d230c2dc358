import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { NixsealError } from "../core/errors.ts";
import { fleetOf } from "../../test/support/fleets.ts";
import { globMatches } from "./glob.ts";
import type { Fleet } from "./model.ts";
import {
  hostPopulation,
  oneHost,
  pick,
  picksHost,
  readSelector,
  selectHosts,
  selectMembers,
} from "./selectors.ts";

const fleet = await fleetOf(`
[hosts.lufta]
tags = ["web", "prod"]
[hosts.ilma]
tags = ["web"]
[hosts.tuuli]
[members.alice]
groups = ["infra"]
[members.bob]
`);

const hosts = (...texts: string[]): string[] => selectHosts(fleet, texts).map((host) => host.name);

function refusal(work: () => unknown): NixsealError {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof NixsealError);
    return error;
  }
  throw new assert.AssertionError({ message: "nothing was thrown" });
}

test("names, globs, tags, groups and negations select", () => {
  assert.deepEqual(hosts("lufta"), ["lufta"]);
  assert.deepEqual(hosts("*u*"), ["lufta", "tuuli"]);
  assert.deepEqual(hosts("?????"), ["lufta", "tuuli"]);
  assert.deepEqual(hosts("tag:web"), ["ilma", "lufta"]);
  assert.deepEqual(hosts("tag:web", "!lufta"), ["ilma"]);
  assert.deepEqual(hosts("!lufta", "tag:web"), ["ilma"]);
  assert.deepEqual(hosts("!tag:web"), ["tuuli"]);
  assert.deepEqual(
    selectMembers(fleet, ["group:infra"]).map((member) => member.name),
    ["alice"],
  );
});

test("what matches nothing is an error with a suggestion", () => {
  for (const [text, code, hint] of [
    ["lufte", "not-found", "did you mean 'lufta'?"],
    ["!lufte", "not-found", "did you mean 'lufta'?"],
    ["tag:wbe", "not-found", "did you mean 'tag:web'?"],
    ["web", "not-found", "did you mean 'tag:web'?"],
    ["group:infra", "not-found", "groups are of members; hosts have tags: 'tag:infra'"],
    ["a b", "usage", undefined],
    ["tag:w*", "usage", undefined],
    ["", "usage", undefined],
    ["-x", "usage", undefined],
  ] as const) {
    const error = refusal(() => selectHosts(fleet, ["ilma", text]));
    assert.equal(error.code, code, text);
    if (hint !== undefined) assert.equal(error.hint, hint);
  }
  assert.equal(refusal(() => selectHosts(fleet, ["lufta", "!tag:web"])).code, "not-found");
  assert.match(refusal(() => selectMembers(fleet, ["tag:web"])).hint ?? "", /group:web/);
  assert.equal(refusal(() => oneHost(fleet, "lufat")).hint, "did you mean 'lufta'?");
});

test("an empty selector selects nothing, never everything", () => {
  assert.deepEqual(pick(hostPopulation(fleet), []), []);
  for (const host of fleet.hosts.values()) assert.equal(picksHost([], host), false);
});

const name = fc.constantFrom("a", "b", "ab", "ba", "abc");
const generated: fc.Arbitrary<Fleet> = fc
  .uniqueArray(fc.record({ name, tags: fc.uniqueArray(fc.constantFrom("x", "y")) }), {
    selector: (host) => host.name,
    minLength: 1,
  })
  .map((list) => {
    const all = list.map((host) => ({ ...host }) as unknown as ReturnType<typeof oneHost>);
    const tags = new Map(["x", "y"].map((tag) => [tag, all.filter((host) => host.tags.includes(tag))]));
    return { hosts: new Map(all.map((host) => [host.name, host])), tags } as unknown as Fleet;
  });
const entry = fc
  .tuple(fc.boolean(), fc.oneof(name, fc.constantFrom("tag:x", "tag:y", "*", "a*", "?b", "*c*")))
  .map(([negative, text]) => (negative ? `!${text}` : text));

test("property: selecting all at once, host by host, and by the definition is the same, in any order", () => {
  fc.assert(
    fc.property(generated, fc.array(entry, { maxLength: 5 }), (some, texts) => {
      const { entries } = readSelector(hostPopulation(some), texts);
      const matches = (text: string, host: { name: string; tags: readonly string[] }): boolean =>
        text.startsWith("tag:") ? host.tags.includes(text.slice(4)) : globMatches(text, host.name);
      const kept = entries.map(({ text }) => text);
      const positive = kept.filter((text) => !text.startsWith("!"));
      const negative = kept.filter((text) => text.startsWith("!")).map((text) => text.slice(1));
      const expected = [...some.hosts.values()]
        .filter(
          (host) =>
            kept.length > 0 && (positive.length === 0 || positive.some((text) => matches(text, host))),
        )
        .filter((host) => !negative.some((text) => matches(text, host)))
        .map((host) => host.name)
        .sort();
      const names = (list: readonly { name: string }[]): string[] => list.map((host) => host.name).sort();
      assert.deepEqual(names(pick(hostPopulation(some), entries)), expected);
      assert.deepEqual(names(pick(hostPopulation(some), entries.toReversed())), expected);
      assert.deepEqual(names([...some.hosts.values()].filter((host) => picksHost(entries, host))), expected);
    }),
    { numRuns: 1000 },
  );
});
