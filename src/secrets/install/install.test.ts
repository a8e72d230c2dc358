import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { changesOf, InstallHost, isRoot, ownGid, ownUid } from "../../../test/support/install-host.ts";
import { NixsealError } from "../../core/errors.ts";
import { SecretValue } from "../../core/secret-value.ts";

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

test("a failing secret keeps its last good value and stops nobody", async (t) => {
  const host = new InstallHost(t);
  host.declare({ a: { value: "one" }, b: { value: "two" }, c: { value: "three" } });
  await host.install();
  const kept = host.inode("b");
  host.declare({ a: { value: "ONE" }, b: { value: "bad" }, c: { value: "three" }, d: { value: "bad" } });
  writeFileSync(join(dirname(host.manifest), "secrets/c.age"), "sealed:not the one that was meant");
  const report = await host.install();
  assert.deepEqual(changesOf(report), ["a: changed", "b: failed", "c: failed", "d: failed"]);
  assert.deepEqual(
    report.failures.map(({ name, code }) => `${name} ${code}`),
    ["b malformed", "c refused", "d malformed"],
  );
  assert.deepEqual([host.read("a"), host.read("b"), host.read("c")], ["ONE", "two", "three"]);
  assert.equal(host.inode("b"), kept);
  assert.equal(existsSync(host.at("/run/nixseal/secrets/d")), false);
  assert.deepEqual(readdirSync(host.at("/run/nixseal/failed")), ["b", "c", "d"]);
  const marker = (name: string) => readFileSync(host.at(`/run/nixseal/failed/${name}`), "utf8");
  assert.match(
    marker("b"),
    /'b' was not installed \(malformed\): .*not a sealed value\nits last good value stays/,
  );
  assert.match(marker("d"), /no former value/);

  host.declare({ a: { value: "ONE" }, b: { value: "mended" } });
  assert.deepEqual((await host.install()).failures, []);
  assert.equal(host.read("b"), "mended");
  assert.deepEqual(readdirSync(host.at("/run/nixseal/failed")), []);
});

test("secrets of one label are installed all or none", async (t) => {
  const host = new InstallHost(t);
  const pair = (key: string, certificate: string) => ({
    key: { value: key, together: "tls" },
    certificate: { value: certificate, together: "tls" },
    other: { value: key },
  });
  host.declare(pair("k1", "c1"));
  await host.install();
  host.declare(pair("k2", "bad"));
  const report = await host.install();
  assert.deepEqual([host.read("key"), host.read("certificate"), host.read("other")], ["k1", "c1", "k2"]);
  assert.deepEqual(
    report.failures.map(({ name, code }) => `${name} ${code}`),
    ["certificate malformed", "key partial"],
  );
  assert.match(report.failures[1]!.message, /'certificate'/);
  host.declare(pair("k2", "c2"));
  await host.install();
  assert.deepEqual([host.read("key"), host.read("certificate")], ["k2", "c2"]);
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

test("private keys that others may write are refused, readable ones are warned of", async (t) => {
  const host = new InstallHost(t);
  host.declare({ a: { value: "one" } });
  const key = host.at("/etc/ssh/ssh_host_ed25519_key");
  for (const mode of [0o620, 0o602, 0o1602]) {
    chmodSync(key, mode);
    await assert.rejects(host.install(), { code: "refused", message: /can write this private key/ });
  }
  chmodSync(key, 0o600);
  chmodSync(dirname(key), 0o777);
  await assert.rejects(host.install(), { code: "refused", message: /others can change it/ });
  assert.equal(existsSync(host.at("/run/nixseal/secrets")), false);
  chmodSync(dirname(key), 0o755);
  chmodSync(key, 0o644);
  const report = await host.install();
  assert.match(report.warnings.join("\n"), /everybody can read this private key; chmod 0600/);
  assert.equal(host.read("a"), "one");
});

test("without any identity each secret fails and says so; what was there stays", async (t) => {
  const host = new InstallHost(t);
  host.declare({ a: { value: "one" }, b: { value: "two" } });
  unlinkSync(host.at("/etc/ssh/ssh_host_ed25519_key"));
  const report = await host.install();
  assert.deepEqual(changesOf(report), ["a: failed", "b: failed"]);
  assert.match(report.failures[0]!.message, /none of the identities exists \(\/etc\/ssh\//);
});

test("what stands in our place and is not ours is refused and left alone", async (t) => {
  const host = new InstallHost(t);
  host.declare({ a: { value: "one" } });
  host.write("/run/nixseal/secrets/precious", "mine", 0o600);
  await assert.rejects(host.install(), { code: "refused", message: /not a symlink that nixseal-agent made/ });
  assert.equal(host.read("precious"), "mine");
  const open = new InstallHost(t);
  open.declare({ a: { value: "one" } });
  mkdirSync(open.at("/run/nixseal"), { recursive: true });
  chmodSync(open.at("/run/nixseal"), 0o777);
  await assert.rejects(open.install(), { code: "refused" });
  const linked = new InstallHost(t);
  linked.declare({ a: { value: "one" } });
  mkdirSync(linked.at("/run/elsewhere"), { recursive: true });
  symlinkSync("elsewhere", linked.at("/run/nixseal"));
  await assert.rejects(linked.install(), { code: "refused" });
});

test("a broken index of the current generation is told, and everything is made anew", async (t) => {
  const host = new InstallHost(t);
  host.declare({ a: { value: "one" } });
  await host.install();
  writeFileSync(host.at("/run/nixseal/generations/1/.index.json"), "{");
  const report = await host.install();
  assert.match(report.warnings.join("\n"), /starting afresh/);
  assert.deepEqual([host.read("a"), changesOf(report)], ["one", ["a: added"]]);
});

test("the value is in the secret's file and nowhere else", async (t) => {
  const host = new InstallHost(t);
  const value = "hunter2-hunter2";
  host.declare({ a: { value, path: "/etc/a" }, b: { value: "bad" } });
  const revealed: SecretValue[] = [];
  const report = await host.install({}, undefined, async () => async (ciphertext) => {
    if (Buffer.from(ciphertext).toString() === "damaged") throw new NixsealError("malformed", "no");
    const secret = new SecretValue(new Uint8Array(Buffer.from(value)));
    revealed.push(secret);
    return secret;
  });
  assert.doesNotMatch(JSON.stringify(report), /hunter2/);
  const holders = tree(host).filter((path) => {
    const status = lstatSync(join(host.root, path));
    return status.isFile() && readFileSync(join(host.root, path), "utf8").includes("hunter2");
  });
  // The second is the first, seen through the symlink.
  assert.deepEqual(holders, ["run/nixseal/generations/1/a", "run/nixseal/secrets/a"]);
  assert.deepEqual(Buffer.from(revealed[0]!.reveal()), Buffer.alloc(value.length), "wiped");
});

test("the status says what is installed and what failed", async (t) => {
  const host = new InstallHost(t);
  host.declare({ a: { value: "one" }, b: { value: "bad" } });
  await host.install();
  const status = JSON.parse(readFileSync(host.at("/run/nixseal/status.json"), "utf8")) as Record<
    string,
    unknown
  >;
  assert.equal(status["generation"], 1);
  assert.deepEqual(
    (status["installed"] as { name: string; since: number }[]).map(({ name, since }) => `${name} ${since}`),
    ["a 1"],
  );
  assert.deepEqual(
    (status["failures"] as { name: string }[]).map(({ name }) => name),
    ["b"],
  );
});
