import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readlinkSync, statSync, symlinkSync } from "node:fs";
import { test } from "node:test";
import { changesOf, InstallHost, isRoot, ownGid, ownUid } from "../../../test/support/install-host.ts";

const tree = (host: InstallHost): string[] =>
  readdirSync(host.root, { recursive: true, encoding: "utf8" }).sort();
const generations = (host: InstallHost): string[] => readdirSync(host.at("/run/nixseal/generations")).sort();

test("the first installation puts every value in place and restarts nothing", async (t) => {
  const host = new InstallHost(t);
  host.declare({
    a: { value: "one", restart: ["a.service"] },
    b: { value: "two", mode: "0440", path: "/etc/elsewhere/b" },
    early: { value: "three", stage: "users" },
  });
  const report = await host.install();
  assert.deepEqual(changesOf(report), ["a: added", "b: added"]);
  assert.deepEqual([report.restart, report.failures, report.problems], [[], [], []]);
  assert.equal(host.read("a"), "one");
  assert.equal(readlinkSync(host.at("/etc/elsewhere/b")), "/run/nixseal/secrets/b");
  assert.equal(statSync(host.at("/run/nixseal/secrets/b")).mode & 0o7777, 0o440);
  assert.equal(statSync(host.at("/run/nixseal")).mode & 0o7777, 0o751);
  assert.equal(statSync(host.at("/run/nixseal/secrets/")).mode & 0o7777, 0o751);
  assert.equal(existsSync(host.at("/run/nixseal/secrets/early")), false);
  assert.equal(readlinkSync(host.at("/run/nixseal/secrets")), "generations/1");
});

test(`owners come from the root's own files${isRoot ? "" : " (not root: only one's own)"}`, async (t) => {
  const host = new InstallHost(t);
  const other = isRoot ? 4242 : ownUid;
  host.write("/etc/passwd", `svc:x:${other}:1::/:/bin/sh\n`, 0o644);
  host.write("/etc/group", `svc:x:${isRoot ? 4343 : ownGid}:\n`, 0o644);
  host.declare({
    a: { value: "one", owner: "svc", group: "svc" },
    b: { value: "two", owner: "nobody-at-all" },
  });
  const report = await host.install();
  const { uid, gid } = statSync(host.at("/run/nixseal/secrets/a"));
  assert.deepEqual([uid, gid], [other, isRoot ? 4343 : ownGid]);
  assert.deepEqual(changesOf(report), ["a: added", "b: failed"]);
  assert.match(report.failures[0]!.message, /no user 'nobody-at-all'/);
  assert.deepEqual(host.commands, [], "the running system is not asked for an image's accounts");
});

test(`in the stage users everything belongs to root${isRoot ? "" : " (not root: which fails, and leaves nothing)"}`, async (t) => {
  const host = new InstallHost(t);
  host.declare({ pw: { value: "hash", stage: "users", owner: "not-made-yet", group: "neither" } });
  if (!isRoot) {
    await assert.rejects(host.install({ stage: "users" }), { code: "io" });
    assert.deepEqual(generations(host), []);
    return;
  }
  const report = await host.install({ stage: "users" });
  assert.deepEqual(report.failures, []);
  assert.equal(statSync(host.at("/run/nixseal/secrets/pw")).uid, 0);
});

test("what did not change keeps its inode, and nothing at all happens when nothing changed", async (t) => {
  const host = new InstallHost(t);
  host.declare({ a: { value: "one" }, b: { value: "two" } });
  await host.install();
  const before = [host.inode("a"), host.inode("b")];
  assert.deepEqual(changesOf(await host.install()), ["a: unchanged", "b: unchanged"]);
  assert.deepEqual(generations(host), ["1"]);

  host.declare({ a: { value: "one" }, b: { value: "TWO" } });
  assert.deepEqual(changesOf(await host.install()), ["a: unchanged", "b: changed"]);
  assert.equal(host.inode("a"), before[0]);
  assert.notEqual(host.inode("b"), before[1]);
  assert.equal(host.read("b"), "TWO");
});

test("units of changed secrets only, each once; a restart does what a reload would", async (t) => {
  const host = new InstallHost(t);
  const secrets = (a: string, b: string, mode: string) => ({
    a: { value: a, restart: ["x.service", "y.service"], reload: ["z.service"] },
    b: { value: b, restart: ["x.service"], reload: ["y.service", "w.service"] },
    c: { value: "same", restart: ["never.service"], reload: ["never.service"] },
    d: { value: "same", mode, restart: ["d.service"] },
  });
  host.declare(secrets("1", "1", "0400"));
  await host.install();
  host.declare(secrets("2", "2", "0400"));
  const both = await host.install();
  assert.deepEqual(
    [both.restart, both.reload],
    [
      ["x.service", "y.service"],
      ["z.service", "w.service"],
    ],
  );
  host.declare(secrets("2", "2", "0440"));
  assert.deepEqual((await host.install()).restart, ["d.service"], "another mode is a change");
  host.declare({ ...secrets("2", "2", "0440"), e: { value: "new", restart: ["e.service"] } });
  assert.deepEqual((await host.install()).restart, ["e.service"], "added while the host runs");
  const { d: _, ...fewer } = secrets("2", "2", "0440");
  host.declare(fewer);
  const less = await host.install();
  assert.deepEqual([less.restart, changesOf(less).slice(-2)], [[], ["d: removed", "e: removed"]]);
  assert.equal(existsSync(host.at("/run/nixseal/secrets/d")), false);
});

test(`both stages share one tree, and each looks after its own${isRoot ? "" : " (not root: one of them)"}`, async (t) => {
  const host = new InstallHost(t);
  const secrets = (pw: string, a: string) => ({
    pw: { value: pw, stage: "users" as const, restart: ["pw.service"] },
    a: { value: a, restart: ["a.service"] },
  });
  host.declare(secrets("p1", "a1"));
  if (isRoot) await host.install({ stage: "users" });
  const report = await host.install();
  assert.deepEqual(report.restart, [], "the first of its stage");
  assert.deepEqual([report.failures, host.read("a")], [[], "a1"]);
  if (!isRoot) return;
  const early = host.inode("pw");
  host.declare(secrets("p2", "a2"));
  assert.deepEqual((await host.install()).restart, ["a.service"]);
  assert.deepEqual([host.read("pw"), host.inode("pw"), host.read("a")], ["p1", early, "a2"]);
  assert.deepEqual((await host.install({ stage: "users" })).restart, ["pw.service"]);
  assert.deepEqual([host.read("pw"), host.read("a")], ["p2", "a2"]);
  host.declare({ a: { value: "a2" } });
  assert.deepEqual(changesOf(await host.install()), ["a: unchanged", "pw: removed"]);
});

test("rolling back is installing the former manifest", async (t) => {
  const host = new InstallHost(t);
  const one = { a: { value: "one", restart: ["a.service"] } };
  host.declare(one);
  await host.install();
  host.declare({ a: { value: "two", restart: ["a.service"] }, b: { value: "new" } });
  await host.install();
  host.declare(one);
  const report = await host.install();
  assert.equal(host.read("a"), "one");
  assert.deepEqual([report.restart, changesOf(report)], [["a.service"], ["a: changed", "b: removed"]]);
});

test("only the current generation and the former one stay", async (t) => {
  const host = new InstallHost(t);
  for (const value of ["1", "2", "3", "4", "5"]) {
    host.declare({ a: { value } });
    await host.install();
  }
  assert.deepEqual(generations(host), ["4", "5"]);
  mkdirSync(host.at("/run/nixseal/generations/6")); // as a killed run leaves it
  symlinkSync("generations/6", host.at("/run/nixseal/.secrets.new"));
  await host.install();
  assert.deepEqual(generations(host), ["4", "5"]);
  assert.equal(existsSync(host.at("/run/nixseal/.secrets.new")), false);
});

test("a dry run tells the same and makes nothing, not even a directory", async (t) => {
  const host = new InstallHost(t);
  host.declare({ a: { value: "one", restart: ["a.service"] } });
  const before = tree(host);
  const dry = await host.install({ dryRun: true });
  assert.deepEqual([changesOf(dry), dry.generation], [["a: added"], null]);
  assert.deepEqual(tree(host), before);
  await host.install();
  host.declare({ a: { value: "two", restart: ["a.service"] }, b: { value: "bad" } });
  const listed = tree(host);
  const again = await host.install({ dryRun: true });
  assert.deepEqual([changesOf(again), again.restart], [["a: changed", "b: failed"], ["a.service"]]);
  assert.deepEqual(tree(host), listed);
  assert.equal(host.read("a"), "one");
});
