import assert from "node:assert/strict";
import { test } from "node:test";
import { later, rootOf, start } from "../../../test/support/roots.ts";
import { utf8 } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { formatSeen, latest, nothingSeen, parseSeen, type Seen } from "./seen.ts";

const one: Seen = { root: rootOf(), krl: { version: 2n, digest: "a".repeat(64) }, time: start };
const two: Seen = {
  root: rootOf({ version: 2 }),
  krl: { version: 1n, digest: "b".repeat(64) },
  time: later(1),
};

test("what was seen is written and read back", () => {
  for (const seen of [one, two, nothingSeen])
    assert.deepEqual(formatSeen(parseSeen(formatSeen(seen))), formatSeen(seen));
});

test("of two memories the later of each thing is kept, in either order", () => {
  for (const seen of [latest(one, two), latest(two, one)]) {
    assert.equal(seen.root!.version, 2);
    assert.equal(seen.krl!.version, 2n);
    assert.equal(seen.time, two.time);
  }
  assert.equal(latest(nothingSeen, one).krl, one.krl);
  assert.deepEqual(latest(nothingSeen, nothingSeen), nothingSeen);
});

test("a damaged memory is an error, not an empty one", () => {
  const good = Buffer.from(formatSeen(one)).toString("utf8");
  for (const text of [
    "",
    "{}",
    good.replace('"krl":{', '"krl":{"x":1,'),
    good.replace(/"root":"../, '"root":"'),
    good.replace("2026", "20x6"),
  ])
    assert.throws(
      () => parseSeen(utf8(text)),
      (error) => error instanceof NixsealError && error.code === "malformed",
      text,
    );
});
