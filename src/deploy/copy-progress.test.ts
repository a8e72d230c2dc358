/** Against lines of Nix 2.8, and of newer ones that tell bytes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CopyLog } from "./copy-progress.ts";

const line = (value: object): string => `@nix ${JSON.stringify(value)}\n`;
const path = "/nix/store/5xqh2zkslwi3nc7w04phicwjhcairbgn-big";
const begin = line({ action: "start", id: 4, level: 3, text: "copying 2 paths", type: 103 });
const copying = (id: number): string =>
  line({ action: "start", fields: [path, "local", "ssh-ng"], id, level: 3, text: "copying path", type: 100 });
const stop = (id: number): string => line({ action: "stop", id });

test("paths, where Nix says no more", () => {
  const log = new CopyLog();
  assert.equal(log.feed(line({ action: "start", id: 1, level: 0, text: "", type: 103 })), false);
  assert.equal(log.progress, null);
  assert.equal(log.feed(begin), true);
  const seen = [copying(5), stop(5), copying(6), stop(6), stop(4)].map(
    (one) => (log.feed(one), log.progress!.done),
  );
  assert.deepEqual(seen, [0, 1, 1, 2, 2]);
  assert.deepEqual(log.progress, { done: 2, total: 2, unit: "paths" });
});

test("bytes, where it does; whole or piece by piece", () => {
  const lines = [
    begin,
    line({ action: "result", fields: [100, 5000], id: 4, type: 106 }),
    copying(5),
    line({ action: "result", fields: [1500, 2000, 0, 0], id: 5, type: 105 }),
    copying(6),
    line({ action: "result", fields: [100, 3000, 0, 0], id: 6, type: 105 }),
    line({ action: "result", fields: [2000, 2000, 0, 0], id: 5, type: 105 }),
    stop(5),
  ].join("");
  const whole = new CopyLog();
  whole.feed(lines);
  assert.deepEqual(whole.progress, { done: 2100, total: 5000, unit: "bytes" });
  const pieces = new CopyLog();
  for (const letter of lines) pieces.feed(letter);
  assert.deepEqual(pieces.progress, whole.progress);
});

test("an error is told without its colours; what is no log of Nix's changes nothing", () => {
  const log = new CopyLog();
  log.feed(line({ action: "msg", level: 0, msg: "\u001b[31;1merror:\u001b[0m refused" }));
  log.feed(line({ action: "msg", level: 3, msg: "copying" }));
  assert.equal(log.error, "error: refused");
  log.feed(begin);
  const before = log.progress;
  for (const noise of [
    "Warning: Permanently added 'x'\n",
    "@nix {\n",
    "@nix null\n",
    "@nix {}\n",
    line({ action: "result", fields: [100, -5], id: 4, type: 106 }),
    line({ action: "result", fields: "100", id: 4, type: 106 }),
    line({ action: "result", fields: [100, 1e300], id: 4, type: 106 }),
    line({ action: "start", id: 9, type: 103, text: "copying 99999999999 paths" }),
    line({ action: "stop", id: "4" }),
    `@nix {"x":"${"a".repeat(1 << 20)}"}\n`,
    "x".repeat(1 << 20),
    "\n",
  ])
    assert.equal(log.feed(noise), false, noise.slice(0, 40));
  assert.deepEqual(log.progress, before);
});
