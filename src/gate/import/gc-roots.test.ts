import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../../test/support/temporary.ts";
import { signed, member, warrant } from "../../../test/support/warrants.ts";
import type { StorePath } from "../../nix/store-path.ts";
import { baseNameOf } from "../../nix/store-path.ts";
import { files } from "../../system/files.ts";
import { GcRoots } from "./gc-roots.ts";

test("what comes while two connections to Nix end has its link when its own ends", async (context) => {
  const gcroots = temporaryDirectory(context);
  const envelope = await signed(warrant({}), member("alice", 1));
  const [one, two] = ["one", "two"].map((name) => `/nix/store/${"a".repeat(32)}-${name}` as StorePath);
  let go = (): void => undefined;
  const slow = new Promise<void>((resolve) => (go = resolve));
  let links = 0;
  const symlink: typeof files.symlink = async (target, path) => {
    if (++links === 2) await slow;
    return files.symlink(target, path);
  };
  const roots = new GcRoots({ files: { ...files, symlink } }, { gcroots });
  roots.keep(envelope, one!);
  const [first, second] = [roots.link(), roots.link()];
  await Promise.race([first, second]);
  roots.keep(envelope, two!);
  go();
  await Promise.all([first, second]);
  await roots.link();
  assert.deepEqual(
    fs.readdirSync(join(gcroots, "incoming", envelope.digest)).toSorted(),
    [one!, two!].map((path) => baseNameOf(path)).toSorted(),
  );
});
