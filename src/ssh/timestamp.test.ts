import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTimestamp } from "./timestamp.ts";

test("dates and times, in UTC and in local time", () => {
  assert.equal(parseTimestamp("20260102Z")?.toISOString(), "2026-01-02T00:00:00.000Z");
  assert.equal(parseTimestamp("202601020304Z")?.toISOString(), "2026-01-02T03:04:00.000Z");
  assert.equal(parseTimestamp("20260102030405Z")?.toISOString(), "2026-01-02T03:04:05.000Z");
  assert.deepEqual(parseTimestamp("20260102030405"), new Date(2026, 0, 2, 3, 4, 5));
  assert.deepEqual(parseTimestamp("20240229"), new Date(2024, 1, 29));
});

test("without Z it is the time on the wall, in winter and in summer", (t) => {
  const zone = process.env["TZ"];
  t.after(() => {
    if (zone === undefined) delete process.env["TZ"];
    else process.env["TZ"] = zone;
  });
  process.env["TZ"] = "America/New_York";
  assert.equal(parseTimestamp("202601011200")?.toISOString(), "2026-01-01T17:00:00.000Z");
  assert.equal(parseTimestamp("202606011200")?.toISOString(), "2026-06-01T16:00:00.000Z");
  assert.equal(parseTimestamp("202606011200Z")?.toISOString(), "2026-06-01T12:00:00.000Z");
});

test("what is no time", () => {
  for (const text of [
    "",
    "2026",
    "2026010",
    "20260230",
    "20230229Z",
    "20261301Z",
    "20260100",
    "2026010224Z",
  ]) {
    assert.equal(parseTimestamp(text), null, text);
  }
  for (const text of [
    "202601020360",
    "20260102030460Z",
    "20260102z",
    "20260102UTC",
    " 20260102",
    "19691231Z",
  ]) {
    assert.equal(parseTimestamp(text), null, text);
  }
  assert.equal(parseTimestamp("19700101Z"), null); // OpenSSH takes 0 for "not given"
});
