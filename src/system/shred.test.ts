import assert from "node:assert/strict";
import {
  chmodSync,
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../test/support/temporary.ts";
import { shredTree } from "./shred.ts";

test("whoever has a shredded file open, or another name for it, reads zeros", (context) => {
  const base = temporaryDirectory(context, "/dev/shm");
  const tree = join(base, "tree");
  mkdirSync(join(tree, "deep"), { recursive: true });
  const value = Buffer.alloc((1 << 20) + 5, 0x41);
  writeFileSync(join(tree, "deep/value"), value, { mode: 0o400 });
  linkSync(join(tree, "deep/value"), join(base, "other-name"));
  const open = openSync(join(tree, "deep/value"), "r");
  chmodSync(join(tree, "deep"), 0o000);
  shredTree(tree);
  const read = Buffer.alloc(value.length, 0x42);
  assert.equal(readSync(open, read, 0, read.length, 0), value.length);
  closeSync(open);
  assert.ok(read.every((byte) => byte === 0));
  assert.ok(readFileSync(join(base, "other-name")).every((byte) => byte === 0));
  assert.equal(existsSync(tree), false);
});

test("a symlink in the tree is removed and what it leads to stays", (context) => {
  const base = temporaryDirectory(context, "/dev/shm");
  const outside = join(base, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "file"), "mine");
  const tree = join(base, "tree");
  mkdirSync(tree);
  symlinkSync(join(outside, "file"), join(tree, "link"));
  symlinkSync(outside, join(tree, "directory"));
  shredTree(tree);
  assert.equal(existsSync(tree), false);
  assert.equal(readFileSync(join(outside, "file"), "utf8"), "mine");
  symlinkSync(outside, tree);
  shredTree(tree);
  assert.equal(existsSync(tree), false);
  assert.equal(readFileSync(join(outside, "file"), "utf8"), "mine");
  shredTree(tree); // nothing there
});
