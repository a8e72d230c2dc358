import assert from "node:assert/strict";
import { test } from "node:test";
import { later, root as plain, selectors, signed, warrant } from "../../../test/support/warrants.ts";
import { formatWarrantEnvelope } from "./envelope.ts";
import type { Subject } from "./model.ts";
import { newestFor } from "./newest.ts";
import { sequenceOf } from "./state.ts";
import { warrantFile, type WarrantReader } from "./store.ts";

const root = {
  ...plain,
  groups: new Map([
    ["edge", selectors("tag:edge")],
    ["db", selectors("db*")],
  ]),
};
const host = (name: string): Subject => ({ kind: "host", name });
const group = (name: string): Subject => ({ kind: "group", name });

/** A fleet with one order for each subject, beginning at that hour. */
async function fleetWith(...orders: readonly (readonly [Subject, number])[]): Promise<WarrantReader> {
  const files = new Map<string, Uint8Array>();
  for (const [subject, hour] of orders)
    files.set(
      `x/${warrantFile(subject, 1)}`,
      formatWarrantEnvelope(await signed(warrant({ subject, notBefore: later(hour) }))),
    );
  const below = (path: string): string[] => [...files.keys()].filter((file) => file.startsWith(`${path}/`));
  return {
    read: async (path) => files.get(path)!,
    statusOfLink: async (path) => (below(path).length === 0 ? null : {}),
    list: async (path) => below(path).map((file) => file.slice(path.length + 1)),
  };
}

test("the order that begins last, of the host's own and of the groups that it is in", async () => {
  const [web, edge, db] = [host("web"), group("edge"), group("db")];
  const newest = async (...orders: readonly (readonly [Subject, number])[]): Promise<string | null> => {
    const found = await newestFor(await fleetWith(...orders), "x", root, { name: "web", labels: ["edge"] });
    return found === null ? null : sequenceOf(found.warrant.subject);
  };
  assert.equal(await newest(), null);
  assert.equal(await newest([web, -3], [edge, -2]), "@edge");
  assert.equal(await newest([web, -1], [edge, -2]), "web");
  assert.equal(await newest([web, -2], [edge, -2]), "web", "together: its own");
  assert.equal(await newest([db, -1], [host("other"), -1]), null, "not its own, and not in that group");
  assert.equal(await newest([edge, -2], [db, -1]), "@edge");
});
