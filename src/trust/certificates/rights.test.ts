import assert from "node:assert/strict";
import { test } from "node:test";
import { NixsealError } from "../../core/errors.ts";
import { formatRights, parseRights } from "./rights.ts";

const full =
  '{"hosts":["tag:web","!db"],"maxClosureBytes":1000,"rights":["upload","activate"],"touch":"uv","v":1}';

test("rights are written canonically and read back", () => {
  assert.equal(formatRights(parseRights(full)), full);
  const small = '{"hosts":["*"],"rights":["observe"],"v":1}';
  assert.equal(formatRights(parseRights(small)), small);
});

test("fields may come in any order, with white space between", () => {
  const loose = '{"v": 1, "rights": ["activate", "upload"], "hosts": ["web"]}';
  assert.equal(formatRights(parseRights(loose)), '{"hosts":["web"],"rights":["upload","activate"],"v":1}');
});

test("what is not exactly rights gives none", () => {
  const wrong = [
    "",
    "null",
    "[]",
    "{}",
    '{"v":2,"rights":["upload"],"hosts":["*"]}',
    '{"v":"1","rights":["upload"],"hosts":["*"]}',
    '{"v":1,"rights":[],"hosts":["*"]}',
    '{"v":1,"rights":["root"],"hosts":["*"]}',
    '{"v":1,"rights":["upload","upload"],"hosts":["*"]}',
    '{"v":1,"rights":"upload","hosts":["*"]}',
    '{"v":1,"rights":["upload"],"hosts":"*"}',
    '{"v":1,"rights":["upload"],"hosts":["group:infra"]}',
    '{"v":1,"rights":["upload"],"hosts":["a b"]}',
    '{"v":1,"rights":["upload"]}',
    '{"v":1,"hosts":["*"]}',
    '{"v":1,"rights":["upload"],"hosts":["*"],"maxClosureByte":1}',
    '{"v":1,"rights":["upload"],"hosts":["*"],"maxClosureBytes":0}',
    '{"v":1,"rights":["upload"],"hosts":["*"],"maxClosureBytes":1.5}',
    '{"v":1,"rights":["upload"],"hosts":["*"],"maxClosureBytes":null}',
    '{"v":1,"rights":["upload"],"hosts":["*"],"touch":"yes"}',
    '{"v":1,"rights":["upload"],"rights":["activate"],"hosts":["*"]}',
    '{"v":1,"rights":["upl\\u006fad"],"hosts":["*"]}',
    '{"v":1.0,"rights":["upload"],"hosts":["*"]}',
    '{"v":1,"rights":["upload"],"hosts":["*"],"__proto__":{}}',
    '{"v":1,"rights":["upload"],"hosts":["*"]} {}',
  ];
  for (const text of wrong)
    assert.throws(
      () => parseRights(text),
      (error) => error instanceof NixsealError && error.code === "malformed",
      text,
    );
  assert.throws(
    () => parseRights(" ".repeat(40_000)),
    (error) => error instanceof NixsealError && error.code === "limit",
  );
});
