import assert from "node:assert/strict";
import { test } from "node:test";
import { later } from "../../../test/support/warrants.ts";
import { utf8 } from "../../core/bytes.ts";
import { formatWarrantState, nothingAccepted, parseWarrantState, type WarrantState } from "./state.ts";

const digest = "cd".repeat(32);
const state: WarrantState = {
  heads: new Map([
    ["@edge", { seq: 3, digest }],
    ["web", { seq: 12, digest }],
  ]),
  newest: later(0),
  floor: later(1),
};

test("reads as it was written", () => {
  for (const one of [state, nothingAccepted])
    assert.deepEqual(parseWarrantState(formatWarrantState(one)), one);
});

test("a damaged one is an error, and never counts as nothing accepted", () => {
  const good = formatWarrantState(state);
  for (let end = 0; end < good.length; end++)
    assert.throws(() => parseWarrantState(good.subarray(0, end)), { code: "malformed" });
  for (const text of [
    "{}\n",
    "null\n",
    '{"floor":null,"heads":[],"newest":null}\n',
    `${Buffer.from(good).toString()}\n`,
  ])
    assert.throws(() => parseWarrantState(utf8(text)), { code: "malformed" });
});
