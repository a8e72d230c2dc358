import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { utf8 } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import {
  formatLine,
  LeaseReader,
  leaseLimits,
  parseAnswer,
  parseRequest,
  type LeaseRequest,
} from "./message.ts";

const request: LeaseRequest = {
  v: 1,
  seconds: 60,
  silence: null,
  mode: "0400",
  secrets: [{ name: "one", size: 3 }],
};
const withoutEnd = (line: Uint8Array): Uint8Array => line.subarray(0, -1);
const refusedWith =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof NixsealError && error.code === code;

test("a request comes out as it went in", () => {
  assert.deepEqual(parseRequest(withoutEnd(formatLine(request))), request);
});

test("requests that no taker makes are not followed", () => {
  const wrong: [Record<string, unknown>, string][] = [
    [{ v: 2 }, "malformed"],
    [{ seconds: 0 }, "malformed"],
    [{ seconds: leaseLimits.seconds + 1 }, "malformed"],
    [{ seconds: 1.5 }, "malformed"],
    [{ silence: 0 }, "malformed"],
    [{ mode: "0777" }, "malformed"],
    [{ secrets: [] }, "malformed"],
    [{ secrets: [{ name: "../one", size: 3 }] }, "malformed"],
    [{ secrets: [{ name: ".held", size: 3 }] }, "malformed"],
    [{ secrets: [{ name: "one", size: -1 }] }, "malformed"],
    [{ secrets: [...request.secrets, ...request.secrets] }, "malformed"],
    [{ more: 1 }, "malformed"],
    [
      { secrets: Array.from({ length: 5 }, (_, index) => ({ name: `s${index}`, size: leaseLimits.value })) },
      "limit",
    ],
    [{ secrets: Array.from({ length: 1025 }, (_, index) => ({ name: `s${index}`, size: 1 })) }, "limit"],
  ];
  for (const [change, code] of wrong)
    assert.throws(
      () => parseRequest(utf8(JSON.stringify({ ...request, ...change }))),
      refusedWith(code),
      JSON.stringify(change).slice(0, 80),
    );
  assert.throws(() => parseRequest(utf8("{")), refusedWith("malformed"));
});

test("a path that means something to a shell, a list or Nix is no answer", () => {
  const path = "/run/user/1000/nixseal-aB3x_Q";
  assert.equal(parseAnswer(utf8(JSON.stringify({ lease: path, swap: [] }))).lease, path);
  for (const lease of [
    "",
    "/",
    "relative",
    "/a b",
    "/a/../b",
    "/a/./b",
    "/a//b",
    "/a\n",
    "/$(x)",
    "/a'",
    "/a:b",
    "/a/",
  ])
    assert.throws(() => parseAnswer(utf8(JSON.stringify({ lease, swap: [] }))), refusedWith("tool"), lease);
  assert.throws(() => parseAnswer(utf8("Welcome to builder!")), refusedWith("tool"));
});

test("an error of the holder keeps its code, its words and its hint", () => {
  const said = { code: "refused", message: "no file system in memory", hint: "mount a tmpfs" };
  assert.throws(
    () => parseAnswer(utf8(JSON.stringify(said))),
    (error) => refusedWith("refused")(error) && (error as NixsealError).hint === said.hint,
  );
  assert.throws(() => parseAnswer(utf8('{"code":"bug","message":"x"}')), refusedWith("tool"));
});

test("a line and values are the same however the stream is cut, and the pieces are wiped", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 200 }),
      fc.uint8Array({ maxLength: 200 }),
      fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1 }),
      async (first, second, sizes) => {
        const whole = Buffer.concat([utf8('{"line":1}\n'), first, second]);
        const pieces: Uint8Array[] = [];
        for (let at = 0, index = 0; at < whole.length; index++) {
          const size = sizes[index % sizes.length]!;
          pieces.push(new Uint8Array(whole.subarray(at, at + size)));
          at += size;
        }
        const given = [...pieces];
        const reader = new LeaseReader(async () => pieces.shift() ?? null);
        assert.equal(Buffer.from(await reader.line()).toString(), '{"line":1}');
        assert.deepEqual(await reader.take(first.length), first);
        assert.deepEqual(await reader.take(second.length), second);
        await assert.rejects(reader.take(1), refusedWith("malformed"));
        assert.ok(given.every((piece) => piece.every((byte) => byte === 0 || sizes.length === 0)));
      },
    ),
    { numRuns: 50 },
  );
});

test("a line without an end is not kept for ever", async () => {
  const reader = new LeaseReader(async () => new Uint8Array(64 << 10).fill(0x20));
  await assert.rejects(reader.line(), refusedWith("limit"));
});
