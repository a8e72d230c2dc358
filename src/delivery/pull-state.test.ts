import assert from "node:assert/strict";
import { test } from "node:test";
import { NixsealError } from "../core/errors.ts";
import { parsePullConfig } from "./pull-config.ts";
import { failureAfter, mustWait, readPullState, writePullState, type Failure } from "./pull-state.ts";

const now = new Date("2030-06-01T12:00:00Z");
const random = (byte: number) => ({ bytes: (length: number) => new Uint8Array(length).fill(byte) });
const config = (source: object, more: object = {}) =>
  parsePullConfig(Buffer.from(JSON.stringify({ v: 1, source, cache: null, substitute: true, ...more })));
const web = { kind: "web", url: "https://example.org/fleet" };

test("each failure of one head waits twice as long, within half an hour and an hour; another begins anew", () => {
  let failure: Failure | null = null;
  const waits: number[] = [];
  for (let times = 0; times < 9; times++) {
    failure = failureAfter(failure, { head: "a", message: "no", code: 2 }, now, random(0));
    waits.push((failure.again - now.getTime()) / 1000);
  }
  assert.deepEqual(waits, [30, 60, 120, 240, 480, 960, 1800, 1800, 1800]);
  const most = failureAfter(failure, { head: "a", message: "no", code: 2 }, now, random(255));
  assert.ok(most.again - now.getTime() <= 3600_000);
  assert.equal(failureAfter(most, { head: "b", message: "no", code: 2 }, now, random(0)).count, 1);
});

test("a clock that was set back makes nobody wait for ever", () => {
  const again = now.getTime() + 60_000;
  assert.equal(mustWait({ again }, now), true);
  assert.equal(mustWait({ again }, new Date(again)), false);
  assert.equal(mustWait({ again }, new Date(now.getTime() - 86_400_000)), false);
});

test("what was remembered of another source, or was damaged, counts as nothing", async () => {
  let kept: Uint8Array = Buffer.from("");
  const files = {
    read: async () => kept,
    writeAtomic: async (_: string, bytes: Uint8Array) => void (kept = bytes),
  };
  const [one, other] = [config(web), config({ ...web, url: "https://example.com/" })];
  const fresh = await readPullState(files, "/x", one);
  assert.deepEqual(fresh, { ...fresh, tag: null, done: null, failure: null });
  const state = { ...fresh, tag: '"1"', done: "d", failure: null };
  await writePullState(files, "/x", state);
  assert.deepEqual(await readPullState(files, "/x", one), state);
  assert.equal((await readPullState(files, "/x", other)).tag, null);
  kept = kept.subarray(0, -5);
  assert.deepEqual(await readPullState(files, "/x", one), fresh);
});

test("a source is one of three, and none of git's ways to run a command", () => {
  const git = {
    kind: "git",
    url: "https://example.org/f.git",
    branch: "main",
    introduction: "a".repeat(40),
    directory: ".",
  };
  assert.equal(config(git).source.kind, "git");
  assert.equal(config({ kind: "directory", path: "/media/x", removable: true }).source.kind, "directory");
  const bad: readonly (readonly [object, object?])[] = [
    [{ ...git, url: "ext::sh -c id" }],
    [{ ...git, url: "ext::id" }],
    [{ ...git, url: "--upload-pack=id" }],
    [{ ...git, branch: "-x" }],
    [{ ...git, branch: "a..b" }],
    [{ ...git, directory: "../x" }],
    [{ ...git, introduction: "main" }],
    [git, { substitute: false }],
    [{ ...web, url: "file:///etc" }],
    [{ ...web, url: "https://user@example.org/" }],
    [{ kind: "directory", path: "x", removable: true }],
    [{ kind: "ftp" }],
    [web, { more: 1 }],
  ];
  for (const [source, more] of bad)
    assert.throws(
      () => config(source, more),
      (error) => error instanceof NixsealError && error.code === "config",
      JSON.stringify(source),
    );
});
