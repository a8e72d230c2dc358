import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { temporaryDirectory } from "../../test/support/temporary.ts";
import { utf8 } from "../core/bytes.ts";
import { filesState } from "../state/files-state.ts";
import type { State } from "../state/state.ts";
import { clock } from "../system/clock.ts";
import { files } from "../system/files.ts";
import { digestOf, formatEntry, parseEntry, type Event } from "./entry.ts";
import { appendForHosts, appendToLog, headOfLog, readLog } from "./log.ts";
import { verifyLog, type Witness } from "./verify.ts";

const event = (n: number): Event => ({
  what: "deploy.apply",
  by: { member: "alice", machine: "alice@desk" },
  hosts: [`web${n}`],
  detail: { note: `run ${n}`, list: [n, null, true] },
});

/** Lines of a sound log. */
function chain(many: number): string[] {
  const lines: string[] = [];
  for (let seq = 1; seq <= many; seq++) {
    const prev = lines.length === 0 ? null : digestOf(lines.at(-1)!);
    lines.push(formatEntry({ v: 1, seq, at: new Date(seq * 1000), prev, ...event(seq) }));
  }
  return lines;
}

const codes = async (lines: readonly string[], witnesses: readonly Witness[] = []) =>
  (await verifyLog(lines, witnesses)).problems.map(({ code, seq }) => `${code} ${seq}`);

test("entries follow each other over many segments, also when many write at once", async (t) => {
  const state = filesState(files, join(temporaryDirectory(t), "state"));
  assert.equal(await headOfLog(state), null);
  const wide: Event = { ...event(0), detail: "x".repeat(20_000) };
  for (let n = 0; n < 6; n++) await appendToLog(state, clock, wide);
  await Promise.all(Array.from({ length: 10 }, (_, n) => appendToLog(state, clock, event(n))));
  const lines: string[] = [];
  for await (const line of readLog(state)) lines.push(line);
  const verdict = await verifyLog(lines, []);
  assert.deepEqual([verdict.entries, verdict.problems, verdict.head], [16, [], await headOfLog(state)]);
  assert.ok((await state.list("log/", { limit: 99 })).length > 1);
});

test("a deployment to a thousand hosts is logged, whatever their names", async (t) => {
  const state = filesState(files, join(temporaryDirectory(t), "state"));
  const hosts = Array.from({ length: 1000 }, (_, n) => `h${n}`.padEnd(64, "x"));
  const { what, by } = event(1);
  await appendForHosts(state, clock, { what, by, hosts }, (some) => ({
    warrants: Object.fromEntries(some.map((name) => [name, "a".repeat(64)])),
  }));
  const logged: string[] = [];
  for await (const line of readLog(state)) logged.push(...parseEntry(line).hosts);
  assert.deepEqual(logged, hosts);
});

test("nothing is written behind a damaged end", async (t) => {
  const state = filesState(files, join(temporaryDirectory(t), "state"));
  await appendToLog(state, clock, event(1));
  const [segment] = await state.list("log/", { limit: 1 });
  for (const torn of [segment!.value.subarray(0, -5), utf8("{}\n"), new Uint8Array()]) {
    const now = (await state.get(segment!.key))!;
    assert.ok(await state.swap(segment!.key, now, torn));
    await assert.rejects(appendToLog(state, clock, event(2)), { name: "NixsealError" });
  }
});

test("an answer that was lost leaves one entry, not two", async (t) => {
  const real = filesState(files, join(temporaryDirectory(t), "state"));
  // As etcd does when the connection breaks after the write: the engine finds its own value and says true.
  const state: State = {
    ...real,
    swap: async (...args) => (await real.swap(...args)) || (await real.swap(...args)),
  };
  await appendToLog(state, clock, event(1));
  await appendToLog(state, clock, event(2));
  const lines: string[] = [];
  for await (const line of readLog(state)) lines.push(line);
  assert.equal(lines.length, 2);
});

test("what was edited, dropped, reordered, repeated, damaged", async () => {
  const lines = chain(6);
  assert.deepEqual(await codes(lines), []);
  assert.deepEqual(await codes([]), []);
  const edited = lines.with(2, lines[2]!.replace("run 3", "run 9"));
  assert.deepEqual(await codes(edited), ["edited 4"]);
  assert.deepEqual(await codes(lines.toSpliced(2, 2)), ["dropped 5"]);
  assert.deepEqual(await codes(lines.toSpliced(0, 1)), ["dropped 2"]);
  assert.deepEqual(await codes([...lines.slice(0, 2), lines[3]!, lines[2]!, ...lines.slice(4)]), [
    "dropped 4",
    "reordered 3",
    "dropped 5",
  ]);
  assert.deepEqual(await codes([...lines.slice(0, 3), lines[2]!]), ["reordered 3"]);
  assert.deepEqual(await codes(lines.with(1, "{")), ["malformed 2", "edited 3"]);
  assert.deepEqual(await codes(lines.with(1, ` ${lines[1]}`)), ["malformed 2", "edited 3"]);
});

test("only a witness tells that the end was cut off, or that all was written anew", async () => {
  const lines = chain(6);
  const witness = (seq: number): Witness => ({
    name: `receipt of web${seq}`,
    seq,
    digest: digestOf(lines[seq - 1]!),
  });
  const all = [witness(2), witness(5)];
  assert.equal((await verifyLog(lines, all)).agreed, 2);
  assert.deepEqual(await codes(lines.slice(0, 4)), []);
  assert.deepEqual(await codes(lines.slice(0, 4), all), ["truncated 5"]);
  assert.deepEqual(await codes([], all), ["truncated 2", "truncated 5"]);
  const other: string[] = [];
  for (let seq = 1; seq <= 6; seq++)
    other.push(
      formatEntry({
        v: 1,
        seq,
        at: new Date(0),
        prev: seq === 1 ? null : digestOf(other.at(-1)!),
        ...event(7),
      }),
    );
  assert.deepEqual(await codes(other), []);
  assert.deepEqual(await codes(other, all), ["rewritten 2", "rewritten 5"]);
  assert.deepEqual(await codes(lines.toSpliced(1, 1), all), ["dropped 3", "rewritten 2"]);
});

test("any changed byte of a witnessed log is found", async () => {
  const lines = chain(4);
  const witnesses = [{ name: "w", seq: 4, digest: digestOf(lines[3]!) }];
  const whole = lines.join("\n");
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 32, max: 126 }), async (at, code) => {
      const char = String.fromCharCode(code);
      if (whole[at] === char) return;
      const changed = whole.slice(0, at) + char + whole.slice(at + 1);
      assert.notDeepEqual(await codes(changed.split("\n"), witnesses), []);
    }),
    { numRuns: 300 },
  );
});

test("an entry has one spelling, known keys and a bounded size", () => {
  const [line] = chain(1);
  assert.equal(formatEntry(parseEntry(line!)), line);
  const bad = [
    "",
    "[]",
    line!.replace('"v":1', '"v":2'),
    line!.replace('"seq":1', '"seq":0'),
    line!.replace('"seq":1', '"seq":1.5'),
    line!.replace('"v":1', '"v":1,"x":1'),
    line!.replace('{"at"', '{ "at"'),
    line!.replace("deploy.apply", "Deploy"),
    line!.replace("1970-01-01T00:00:01.000Z", "1970-01-01"),
    line!.replace('"prev":null', '"prev":"aa"'),
  ];
  for (const text of bad) assert.throws(() => parseEntry(text), { name: "NixsealError" }, text);
  assert.throws(() => formatEntry({ ...parseEntry(line!), detail: "x".repeat(70_000) }), { code: "limit" });
});
