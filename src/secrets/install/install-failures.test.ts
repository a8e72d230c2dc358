import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { changesOf, InstallHost } from "../../../test/support/install-host.ts";
import { NixsealError } from "../../core/errors.ts";
import { files } from "../../system/files.ts";
import { SecretValue } from "../../core/secret-value.ts";

const tree = (host: InstallHost): string[] =>
  readdirSync(host.root, { recursive: true, encoding: "utf8" }).sort();

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

test("a broken index and a full disk at once: what is linked stays until something took its place", async (t) => {
  const host = new InstallHost(t);
  host.declare({ a: { value: "one" } });
  await host.install();
  writeFileSync(host.at("/run/nixseal/generations/1/.index.json"), "{");
  const full = async (): Promise<never> => {
    throw new NixsealError("io", "no space left on the device");
  };
  await assert.rejects(host.install({}, { ...files, create: full }), { code: "io" });
  assert.equal(host.read("a"), "one");
});

test("no room for a generation: all former values stay, and each secret that was to change says why", async (t) => {
  const host = new InstallHost(t);
  host.declare({ a: { value: "one" }, b: { value: "two" } });
  await host.install();
  host.declare({ a: { value: "ONE" }, b: { value: "two" }, c: { value: "bad" }, d: { value: "new" } });
  const full = async (path: string): Promise<never> => {
    throw new NixsealError("io", "no space left on the device", { where: { file: path } });
  };
  await assert.rejects(host.install({}, { ...files, create: full }), { code: "io" });
  assert.deepEqual([host.read("a"), host.read("b")], ["one", "two"]);
  assert.deepEqual(readdirSync(host.at("/run/nixseal/failed")), ["a", "c", "d"]);
  const marker = (name: string) => readFileSync(host.at(`/run/nixseal/failed/${name}`), "utf8");
  assert.match(marker("a"), /\(io\): .*no space left on the device\nits last good value stays in place/);
  assert.match(marker("c"), /\(malformed\)/);
  assert.match(marker("d"), /no space left on the device\nthere is no former value/);
  const nothing = { ...files, create: full, writeAtomic: full };
  await assert.rejects(host.install({}, nothing), { code: "io" }, "no room for the reasons either");

  assert.equal((await host.install()).failures.length, 1);
  assert.deepEqual(readdirSync(host.at("/run/nixseal/failed")), ["c"]);
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
