import assert from "node:assert/strict";
import { chmodSync, mkdirSync, rmSync, statSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../test/support/temporary.ts";
import { privateDirectory } from "./private-directory.ts";

async function madeIn(place: string): Promise<string> {
  const before = process.env["XDG_RUNTIME_DIR"];
  process.env["XDG_RUNTIME_DIR"] = place;
  try {
    const directory = await privateDirectory();
    assert.equal(statSync(directory).mode & 0o777, 0o700);
    rmSync(directory, { recursive: true });
    return dirname(directory);
  } finally {
    if (before === undefined) delete process.env["XDG_RUNTIME_DIR"];
    else process.env["XDG_RUNTIME_DIR"] = before;
  }
}

test("a place in memory where others could exchange the directory is passed over", async (context) => {
  const place = temporaryDirectory(context, "/dev/shm");
  assert.equal(await madeIn(place), place);
  chmodSync(place, 0o777);
  assert.notEqual(await madeIn(place), place);
  chmodSync(place, 0o1777);
  assert.equal(await madeIn(place), place, "sticky: others cannot rename what is not theirs");
});

test("a symlink to a place is followed once, and a way to it that others could change is not taken", async (context) => {
  const base = temporaryDirectory(context, "/dev/shm");
  const place = join(base, "place");
  mkdirSync(place, { mode: 0o700 });
  symlinkSync(place, join(base, "link"));
  assert.equal(await madeIn(join(base, "link")), place);
  chmodSync(base, 0o777);
  assert.notEqual(await madeIn(place), place);
});
