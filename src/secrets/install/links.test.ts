import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  unlinkSync,
} from "node:fs";
import { test } from "node:test";
import { InstallHost, isRoot } from "../../../test/support/install-host.ts";

const target = "/run/nixseal/secrets/a";

test("a path elsewhere becomes a symlink, made again when lost, and moved with the declaration", async (t) => {
  const host = new InstallHost(t);
  host.declare({ a: { value: "one", path: "/var/lib/x/y/key" } });
  await host.install();
  assert.equal(readlinkSync(host.at("/var/lib/x/y/key")), target);
  unlinkSync(host.at("/var/lib/x/y/key"));
  await host.install();
  assert.equal(readlinkSync(host.at("/var/lib/x/y/key")), target);

  host.declare({ a: { value: "one", path: "/var/lib/x/other" } });
  await host.install();
  assert.equal(readlinkSync(host.at("/var/lib/x/other")), target);
  assert.deepEqual(readdirSync(host.at("/var/lib/x/y")), []);

  host.declare({ b: { value: "one", path: "/var/lib/x/other" } });
  await host.install();
  assert.equal(readlinkSync(host.at("/var/lib/x/other")), "/run/nixseal/secrets/b");
  host.declare({ b: { value: "one" } });
  await host.install();
  assert.deepEqual(readdirSync(host.at("/var/lib/x")), ["y"]);
});

test("what is not ours is neither replaced nor removed", async (t) => {
  const host = new InstallHost(t);
  host.write("/etc/file", "theirs", 0o644);
  mkdirSync(host.at("/etc/directory"));
  symlinkSync("/etc/file", host.at("/etc/link"));
  host.declare({
    a: { value: "1", path: "/etc/file" },
    b: { value: "2", path: "/etc/directory" },
    c: { value: "3", path: "/etc/link" },
    d: { value: "4", path: "/etc/fine" },
  });
  const report = await host.install();
  assert.deepEqual(
    report.failures.map(({ name, code }) => `${name} ${code}`),
    ["a conflict", "b conflict", "c conflict"],
  );
  assert.equal(readFileSync(host.at("/etc/file"), "utf8"), "theirs");
  assert.equal(readlinkSync(host.at("/etc/link")), "/etc/file");
  assert.equal(readlinkSync(host.at("/etc/fine")), "/run/nixseal/secrets/d");
  assert.deepEqual(readdirSync(host.at("/run/nixseal/failed")), ["a", "b", "c"]);

  unlinkSync(host.at("/etc/fine"));
  host.write("/etc/fine", "put there meanwhile", 0o644);
  host.declare({});
  assert.deepEqual((await host.install()).failures, []);
  assert.equal(readFileSync(host.at("/etc/fine"), "utf8"), "put there meanwhile");
  assert.equal(existsSync(host.at("/etc/directory")), true);
});

test("no symlink is made where others could lead us astray", async (t) => {
  const host = new InstallHost(t);
  mkdirSync(host.at("/srv/open"), { recursive: true });
  chmodSync(host.at("/srv/open"), 0o777);
  host.declare({ a: { value: "1", path: "/srv/open/sub/key" } });
  const report = await host.install();
  assert.deepEqual(
    report.failures.map(({ code }) => code),
    ["refused"],
  );
  assert.deepEqual(readdirSync(host.at("/srv/open")), []);
  assert.equal(host.read("a"), "1", "the value itself is in place");
});

test(`the directory of the service may hold the symlink${isRoot ? "" : " (not root: as one's own)"}`, async (t) => {
  const host = new InstallHost(t);
  mkdirSync(host.at("/var/lib/app"), { recursive: true });
  if (isRoot) chownSync(host.at("/var/lib/app"), 4242, 4242);
  host.declare({ a: { value: "1", path: "/var/lib/app/key" } });
  assert.deepEqual((await host.install()).failures, []);
  assert.ok(lstatSync(host.at("/var/lib/app/key")).isSymbolicLink());
});
