/** Watching a host whose system lies in a real Nix database, by a signed feed. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { NixsealError } from "../src/core/errors.ts";
import { files } from "../src/system/files.ts";
import { parseNotices } from "../src/watch/notices.ts";
import { top } from "./console.ts";
import { after } from "./support/advisory-publisher.ts";
import { vulnerable, WatchedHost } from "./support/watched-host.ts";

const stored = (host: WatchedHost) => parseNotices(readFileSync(host.layout.notices));
const notices = (...args: readonly string[]) =>
  spawnSync(process.execPath, [join(top, "bin/nixseal-agent"), "notices", ...args], {
    encoding: "utf8",
    timeout: 60_000,
  });

test("what is vulnerable is noticed, new only once, and gone when it is gone", async (t) => {
  const host = await WatchedHost.make(t);
  const first = await host.watch();
  assert.equal(first.exit, 1);
  const [notice] = first.notices.notices;
  assert.deepEqual([notice!.advisory, notice!.package, notice!.mayAct], ["CVE-2026-0001", "foo", true]);
  assert.deepEqual(first.notices.coverage, { packages: 3, known: 1, percent: 33 });
  assert.deepEqual(stored(host), first.notices);

  host.now = after(1);
  const second = await host.watch();
  assert.equal(second.notices.notices[0]!.since, notice!.since);
  assert.notEqual(second.notices.checked, notice!.since);
  assert.match(
    readFileSync(host.layout.text, "utf8"),
    /^nixseal-notices 1 \d+\nnixseal: 1 known vulnerability, 1 critical\n/,
  );

  rmSync(join(host.root, "run/current-system"));
  symlinkSync(`/nix/store/${"b".repeat(32)}-bar-2.0`, join(host.root, "run/current-system"));
  const third = await host.watch();
  assert.equal(third.exit, 0);
  assert.equal(readFileSync(host.layout.text, "utf8").split("\n").length, 2, "the hook prints nothing");
});

test("the kernel that was booted counts until the reboot", async (t) => {
  const host = await WatchedHost.make(t);
  rmSync(join(host.root, "run/current-system"));
  symlinkSync(`/nix/store/${"b".repeat(32)}-bar-2.0`, join(host.root, "run/current-system"));
  const old = `/nix/store/${"o".replace("o", "a").repeat(32)}-nixos-system-web1-25.11`;
  mkdirSync(join(host.root, old), { recursive: true });
  symlinkSync(`${vulnerable}/bzImage`, join(host.root, old, "kernel"));
  symlinkSync(old, join(host.root, "run/booted-system"));
  assert.equal((await host.watch()).notices.notices.length, 1);
});

test("a feed that is frozen is STALE, one that is rolled back is refused; what is known stays", async (t) => {
  const host = await WatchedHost.make(t);
  const old = host.feed.copy();
  await host.watch();
  await host.feed.publish(after(1), "newer");
  host.serve(host.feed.files);
  host.now = after(1);
  assert.match((await host.watch()).notices.notices[0]!.message, /newer/);
  host.serve(old);
  const rolled = await host.watch();
  assert.equal(rolled.exit, 4);
  assert.match(rolled.notices.problems[0]!.message, /^the feed: /);
  assert.match(rolled.notices.notices[0]!.message, /newer/, "nothing is taken back");
  host.now = after(9);
  const frozen = await host.watch();
  assert.ok([4, 5].includes(frozen.exit));
  rmSync(join(host.root, "feed"), { recursive: true });
  assert.equal((await host.watch()).exit, 5, "no feed, and what is here is too old");
  assert.equal(notices("--file", host.layout.notices).status, 5);
});

test("without a network the last advisories serve, and it is told", async (t) => {
  const host = await WatchedHost.make(t);
  await host.watch();
  host.config = { ...host.config, feed: "http://127.0.0.1:9/feed" };
  const { exit, notices: found } = await host.watch();
  assert.equal(exit, 1);
  assert.equal(found.notices.length, 1);
  assert.match(found.problems[0]!.message, /127\.0\.0\.1:9.*ECONNREFUSED/);
});

test("a first look without a feed, or without a root to believe, is no clean host", async (t) => {
  const host = await WatchedHost.make(t);
  rmSync(join(host.root, "feed"), { recursive: true });
  assert.equal((await host.watch()).exit, 5);
  host.serve(host.feed.files);
  chmodSync(join(host.root, "etc/root.json"), 0o666);
  assert.equal((await host.watch()).exit, 4, "others could change whom to believe");
});

test("when Nix does not answer, what was known stays and the look has failed", async (t) => {
  const host = await WatchedHost.make(t);
  await host.watch();
  const broken = { run: () => Promise.resolve({ code: 1, stdout: new Uint8Array(), stderr: "error: no\n" }) };
  const { exit, notices: found } = await host.watch({ processes: broken });
  assert.equal(exit, 2);
  assert.equal(found.notices.length, 1);
  assert.match(found.problems[0]!.message, /nix-store failed with exit code 1: error: no/);
});

test("hostile text of a feed never reaches a file, a terminal or a page as it is", async (t) => {
  const nasty = `\u001b]0;owned\u0007\u001b[2J\u202e\u2066evil\r\nnixseal-notices 1 9999999999 ${"A".repeat(3000)}`;
  const host = await WatchedHost.make(t, nasty);
  await host.watch();
  // oxlint-disable-next-line no-control-regex -- what must not be there
  const live = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/;
  for (const file of [host.layout.notices, host.layout.text])
    assert.doesNotMatch(readFileSync(file, "utf8"), live, file);
  const lines = readFileSync(host.layout.text, "utf8").split("\n");
  assert.ok(lines.length < 10 && lines.every((line) => line.length < 300), "bounded");
  assert.doesNotMatch(notices("--file", host.layout.notices).stdout, live);
});

test("a state file that somebody else wrote is shown without its control characters, or refused", async (t) => {
  const host = await WatchedHost.make(t);
  await host.watch();
  const text = readFileSync(host.layout.notices, "utf8");
  const evil = text
    .replace(/"message":"[^"]*"/, '"message":"\\u001b[31mred\\u202e"')
    .replace(/"hint":null/, '"hint":"\\u0007"');
  writeFileSync(host.layout.notices, evil);
  const shown = notices("--file", host.layout.notices);
  assert.match(shown.stdout, /\\x1b\[31mred\\u202e/);
  // oxlint-disable-next-line no-control-regex -- what must not be there
  assert.doesNotMatch(shown.stdout, /[\u001b\u0007\u202e]/);
  for (const bad of [
    "",
    "{}",
    text.slice(0, -20),
    `${text.trimEnd().slice(0, -1)},"x":1}`,
    "[".repeat(100_000),
  ]) {
    writeFileSync(host.layout.notices, bad);
    const { status, stderr } = notices("--file", host.layout.notices);
    assert.equal(status, 2, bad.slice(0, 40));
    assert.match(stderr, /notices\.json/);
  }
  assert.equal((await host.watch()).exit, 2, "the next look says that it was damaged");
  assert.equal((await host.watch()).exit, 1, "and has replaced it");
});

test("nothing is written through a symlink, or where others may write", async (t) => {
  const host = await WatchedHost.make(t);
  await host.watch();
  const victim = join(host.root, "victim");
  writeFileSync(victim, "untouched");
  for (const file of [host.layout.notices, host.layout.text]) {
    rmSync(file);
    symlinkSync(victim, file);
  }
  await host.watch();
  assert.equal(readFileSync(victim, "utf8"), "untouched");
  assert.equal(stored(host).notices.length, 1);
  chmodSync(join(host.root, "var/lib/nixseal"), 0o777);
  await assert.rejects(host.watch(), { code: "refused" });
  chmodSync(join(host.root, "var/lib/nixseal"), 0o755);
  rmSync(join(host.root, "run/nixseal-watch"), { recursive: true });
  symlinkSync("/tmp", join(host.root, "run/nixseal-watch"));
  await assert.rejects(host.watch(), { code: "refused" });
});

test("two looks at once: one waits for the other", async (t) => {
  const host = await WatchedHost.make(t);
  const both = await Promise.all([host.watch(), host.watch()]);
  assert.deepEqual(
    both.map(({ exit }) => exit),
    [1, 1],
  );
  assert.equal(stored(host).notices.length, 1);
});

test("killed or out of space before any of its writes: what is there is whole, and the next look is as good as new", async (t) => {
  let steps = 0;
  for (let fatal = 0; fatal === 0 || fatal < steps; fatal++) {
    const host = await WatchedHost.make(t);
    let step = 0;
    const failing: typeof files = {
      ...files,
      writeAtomic: (path, bytes, options) => {
        if (step++ === fatal)
          throw new NixsealError("io", "no space left on the device", { where: { file: path } });
        return files.writeAtomic(path, bytes, options);
      },
    };
    await host.watch({ files: failing }).catch((error: unknown) => {
      assert.ok(error instanceof NixsealError && error.code === "io");
    });
    if (existsSync(host.layout.notices)) stored(host);
    assert.equal((await host.watch()).exit, 1, `after write ${fatal}`);
    const left = readdirSync(join(host.root, "var/lib/nixseal")).filter((name) => name.endsWith(".tmp"));
    assert.deepEqual(left, []);
    steps = Math.max(steps, step);
  }
  assert.ok(steps >= 5);
});

test("the program: configuration, help, preview", async (t) => {
  const host = await WatchedHost.make(t);
  const agent = (...args: readonly string[]) =>
    spawnSync(process.execPath, [join(top, "bin/nixseal-agent"), "watch", "--root", host.root, ...args], {
      encoding: "utf8",
      timeout: 60_000,
    });
  assert.match(agent().stderr, /watch\.json.*no such file/);
  mkdirSync(join(host.root, "etc/nixseal"));
  const file = join(host.root, "etc/nixseal/watch.json");
  writeFileSync(file, '{"version":1,"feed":"/feed","root":"/etc/root.json","critcal":"stop"}');
  const typo = agent();
  assert.equal(typo.status, 2);
  assert.match(typo.stderr, /watch\.json: \$: unknown key "critcal"\n {2}hint: did you mean 'critical'/);
  writeFileSync(file, '{"version":1,"feed":"/feed","root":"/etc/root.json"}');
  assert.match(agent("--preview").stderr, /there are no advisories yet/);
  await host.watch();
  const preview = agent("--preview");
  assert.match(preview.stdout, /1 finding that hosts may act on; critical = "notify"/);
  chmodSync(file, 0o666);
  assert.equal(agent().status, 4, "who may write the policy is root");
  assert.equal(agent("--resume", "web.service").status, 2);
});
