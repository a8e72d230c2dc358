import assert from "node:assert/strict";
import { test } from "node:test";
import { InstallHost, isRoot } from "../../../test/support/install-host.ts";
import type { Command } from "../../core/ports.ts";
import { files } from "../../system/files.ts";
import { accountsOf, parseAccounts } from "./accounts.ts";

test("passwd and group lines: the first of a name counts, and odd lines are nobody", () => {
  const text =
    "root:x:0:0::/root:/bin/sh\napp:x:7\napp:x:8:\n+nis::::::\n:x:9:\nbad:x:-1:\nbig:x:4294967295:\nx\n\nhex:x:0x7:\n";
  assert.deepEqual(
    [...parseAccounts(text)],
    [
      ["root", 0],
      ["app", 7],
    ],
  );
});

test("getent is asked only for the running system, and only for who is not in the files", async (t) => {
  const host = new InstallHost(t);
  const asked: Command[] = [];
  const run = async (command: Command) => {
    asked.push(command);
    const stdout = new TextEncoder().encode(command.args[1] === "remote" ? "remote:*:7000:7000::/:\n" : "");
    return { code: stdout.length > 0 ? 0 : 2, stdout, stderr: "" };
  };
  const image = accountsOf(files, { run }, host.root);
  await assert.rejects(image.user("remote"), { code: "not-found" });
  assert.deepEqual([await image.user("root"), await image.group("12")], [0, 12]);
  assert.equal(asked.length, 0);
  const system = accountsOf(files, { run }, "");
  assert.equal(await system.user("remote"), 7000);
  await assert.rejects(system.group("no-such-group-anywhere"), { code: "not-found", message: /no group/ });
  assert.deepEqual(
    asked.map(({ program, args }) => [program, ...args]),
    [
      ["getent", "passwd", "remote"],
      ["getent", "group", "no-such-group-anywhere"],
    ],
  );
});

test(`names of the real files${isRoot ? "" : " (not root)"}`, async () => {
  const run = async () => ({ code: 2, stdout: new Uint8Array(), stderr: "" });
  assert.equal(await accountsOf(files, { run }, "").user("daemon"), 1);
});
