import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../test/support/temporary.ts";
import { utf8 } from "../core/bytes.ts";
import { files } from "./files.ts";

test("writeAtomic replaces the file, sets its mode whatever the umask is, and leaves nothing else", async (context) => {
  const directory = temporaryDirectory(context);
  const path = join(directory, "a.age");
  writeFileSync(path, "old");
  await files.writeAtomic(path, utf8("new"), { mode: 0o664 });
  assert.equal(readFileSync(path, "utf8"), "new");
  assert.equal(statSync(path).mode & 0o7777, 0o664);
  assert.deepEqual(readdirSync(directory), ["a.age"]);
});

test("a discarded atomic file leaves the old one and nothing else", async (context) => {
  const directory = temporaryDirectory(context);
  const path = join(directory, "a");
  writeFileSync(path, "old");
  const file = await files.openAtomic(path, { mode: 0o600 });
  await file.write(utf8("half of the n"));
  await file.discard();
  assert.equal(readFileSync(path, "utf8"), "old");
  assert.deepEqual(readdirSync(directory), ["a"]);
});

test("create refuses what exists and does not write through a planted symlink", async (context) => {
  const directory = temporaryDirectory(context);
  symlinkSync(join(directory, "elsewhere"), join(directory, "planted"));
  await assert.rejects(files.create(join(directory, "planted"), utf8("x"), { mode: 0o600 }), {
    code: "conflict",
  });
  assert.deepEqual(readdirSync(directory), ["planted"]);
});

test("a log is a new file of its mode, and each piece is there for others when it was written", async (context) => {
  const directory = temporaryDirectory(context);
  const path = join(directory, "log");
  const log = await files.createLog(path, { mode: 0o600 });
  await log.append(utf8("one\n"));
  await log.append(utf8("two\n"));
  assert.equal(readFileSync(path, "utf8"), "one\ntwo\n");
  assert.equal(statSync(path).mode & 0o7777, 0o600);
  await log.close();
  symlinkSync(join(directory, "target"), join(directory, "link"));
  for (const taken of [path, join(directory, "link")])
    await assert.rejects(files.createLog(taken, { mode: 0o600 }), { code: "conflict" });
  assert.deepEqual(readdirSync(directory), ["link", "log"]);
});

test("read counts bytes instead of believing the size, and can refuse symlinks", async (context) => {
  const directory = temporaryDirectory(context);
  writeFileSync(join(directory, "ten"), "0123456789");
  symlinkSync("ten", join(directory, "link"));
  assert.equal((await files.read(join(directory, "ten"), { limit: 10 })).length, 10);
  await assert.rejects(files.read(join(directory, "ten"), { limit: 9 }), { code: "limit" });
  await assert.rejects(files.read("/dev/zero", { limit: 100_000 }), { code: "limit" });
  await assert.rejects(files.read(join(directory, "link"), { limit: 10, follow: false }), { code: "io" });
  await assert.rejects(files.read(join(directory, "none"), { limit: 10 }), { code: "not-found" });
});

test(
  "a full disk is an error with the path, and what was there stays",
  { skip: mayMount() ? false : "needs root and mount(8)" },
  async (context) => {
    const directory = temporaryDirectory(context);
    assert.equal(spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", directory]).status, 0);
    try {
      const path = join(directory, "secret");
      await files.writeAtomic(path, utf8("old"), { mode: 0o600 });
      const full = new Uint8Array(128 << 10);
      const message = "no space left on the device";
      await assert.rejects(files.writeAtomic(path, full, { mode: 0o600 }), { code: "io", message });
      await assert.rejects(files.create(`${path}2`, full, { mode: 0o600 }), { code: "io", message });
      assert.equal(readFileSync(path, "utf8"), "old");
      assert.deepEqual(readdirSync(directory), ["secret"]);
      assert.equal(await files.fileSystem(directory), "tmpfs");
    } finally {
      spawnSync("umount", [directory]);
    }
  },
);

test("a directory is made closed and then given its mode; parents may be made with it", async (context) => {
  const directory = temporaryDirectory(context);
  await files.makeDirectory(join(directory, "a/b"), { mode: 0o751, parents: true });
  assert.equal(statSync(join(directory, "a/b")).mode & 0o7777, 0o751);
  await files.makeDirectory(join(directory, "a/b"), { mode: 0o700, parents: true });
  await assert.rejects(files.makeDirectory(join(directory, "a"), { mode: 0o700 }), { code: "conflict" });
});

test("removeTree does not go through a symlink", async (context) => {
  const directory = temporaryDirectory(context);
  mkdirSync(join(directory, "kept"));
  writeFileSync(join(directory, "kept/file"), "");
  mkdirSync(join(directory, "tree"));
  symlinkSync("../kept", join(directory, "tree/link"));
  await files.removeTree(join(directory, "tree"));
  assert.deepEqual(readdirSync(directory), ["kept"]);
  assert.deepEqual(readdirSync(join(directory, "kept")), ["file"]);
});

function mayMount(): boolean {
  return process.getuid?.() === 0 && spawnSync("unshare", ["--mount", "true"]).status === 0;
}
