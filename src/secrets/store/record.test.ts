import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { utf8 } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { formatRecord, parseRecord, recordOf } from "./record.ts";

const record = recordOf(
  utf8("x"),
  [
    { name: "member:bob", recipient: "age1b" },
    { name: "host:web", recipient: "age1w" },
    { name: "host:web", recipient: "age1v" },
  ],
  { epoch: 3, created: "2026-01-01T00:00:00.000Z" },
);

test("a record is written with sorted names, a recipient a line, and read back", () => {
  const text = formatRecord(record);
  assert.deepEqual(parseRecord(utf8(text), "f"), record);
  assert.ok(text.indexOf("host:web") < text.indexOf("member:bob"));
  assert.equal(text.split("\n").filter((line) => line.includes("age1")).length, 3);
});

test("what is no record is refused with its file: a merge conflict, an unknown field, a wrong type", () => {
  const good = JSON.parse(formatRecord(record)) as Record<string, unknown>;
  const broken = [
    "<<<<<<< HEAD\n{}",
    "[]",
    JSON.stringify({ ...good, extra: 1 }),
    JSON.stringify({ ...good, version: 2 }),
    JSON.stringify({ ...good, epoch: 0 }),
    JSON.stringify({ ...good, created: "yesterday" }),
    JSON.stringify({ ...good, digest: "ABC" }),
    JSON.stringify({ ...good, recipients: { a: [1] } }),
  ];
  for (const text of broken)
    assert.throws(() => parseRecord(utf8(text), "secrets/a.json"), {
      code: "malformed",
      where: { file: "secrets/a.json" },
    });
});

test("no input makes the parser fail otherwise", () => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
      try {
        parseRecord(utf8(text), "f");
      } catch (error) {
        assert.ok(error instanceof NixsealError);
      }
    }),
  );
});
