import assert from "node:assert/strict";
import { chmodSync, chownSync, lchownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isRoot } from "../../../test/support/install-host.ts";
import { temporaryDirectory } from "../../../test/support/temporary.ts";
import { files } from "../../system/files.ts";
import { ensureTrustedDirectory, resolveTrusted } from "./trusted-path.ts";

test("symlinks are followed as in a chroot: absolute ones stay below the root, and '..' ends there", async (t) => {
  const root = temporaryDirectory(t);
  mkdirSync(join(root, "persist/etc"), { recursive: true });
  writeFileSync(join(root, "persist/etc/key"), "k");
  symlinkSync("/persist/etc", join(root, "etc"));
  symlinkSync("../../../../persist/etc/key", join(root, "up"));
  symlinkSync("/persist/etc", join(root, "persist/again"));
  for (const path of ["/etc/key", "/up", "/persist/../etc/./key", "/persist/again/key"]) {
    const found = await resolveTrusted(files, root, path);
    assert.deepEqual([found.path, found.missing], [join(root, "persist/etc/key"), []], path);
  }
  const gone = await resolveTrusted(files, root, "/etc/a/b");
  assert.deepEqual([gone.path, gone.missing], [join(root, "persist/etc"), ["a", "b"]]);
});

test("two that make the same directories at once both get them", async (t) => {
  const root = temporaryDirectory(t);
  const makers = Array.from({ length: 8 }, () => ensureTrustedDirectory(files, root, "/a/b/c", 0o751));
  for (const { path, status } of await Promise.all(makers)) {
    assert.deepEqual([path, status.kind], [join(root, "a/b/c"), "directory"]);
  }
});

test("a ring of symlinks ends with an error, and a file is no directory", async (t) => {
  const root = temporaryDirectory(t);
  symlinkSync("b", join(root, "a"));
  symlinkSync("a", join(root, "b"));
  writeFileSync(join(root, "file"), "");
  await assert.rejects(resolveTrusted(files, root, "/a/x"), { code: "io", message: /symlinks/ });
  await assert.rejects(resolveTrusted(files, root, "/file/x"), { code: "not-found" });
});

test("nothing goes through a directory that others may write; as the last part it may be", async (t) => {
  const root = temporaryDirectory(t);
  mkdirSync(join(root, "open/sub"), { recursive: true });
  for (const mode of [0o775, 0o777]) {
    chmodSync(join(root, "open"), mode);
    await assert.rejects(resolveTrusted(files, root, "/open/sub"), {
      code: "refused",
      message: /others can change it/,
    });
    await assert.rejects(ensureTrustedDirectory(files, root, "/open/new/er"), { code: "refused" });
    assert.equal((await resolveTrusted(files, root, "/open")).trusted, false);
  }
  chmodSync(join(root, "open"), 0o1777); // sticky, as /tmp
  assert.equal((await resolveTrusted(files, root, "/open/sub")).trusted, true);
});

test(`a symlink or directory of another user is not gone through${isRoot ? "" : " (not root: nothing to test it with)"}`, async (t) => {
  if (!isRoot) return;
  const root = temporaryDirectory(t);
  mkdirSync(join(root, "tmp/theirs/sub"), { recursive: true });
  mkdirSync(join(root, "etc"));
  chmodSync(join(root, "tmp"), 0o1777);
  symlinkSync("/etc", join(root, "tmp/trap"));
  lchownSync(join(root, "tmp/trap"), 4242, 4242);
  chownSync(join(root, "tmp/theirs"), 4242, 4242);
  await assert.rejects(resolveTrusted(files, root, "/tmp/trap/passwd"), { code: "refused" });
  await assert.rejects(resolveTrusted(files, root, "/tmp/trap"), { code: "refused" });
  await assert.rejects(resolveTrusted(files, root, "/tmp/theirs/sub"), { code: "refused" });
  assert.equal((await resolveTrusted(files, root, "/tmp/theirs")).trusted, false);
});
