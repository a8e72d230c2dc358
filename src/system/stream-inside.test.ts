import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { collect } from "../../test/support/pieces.ts";
import { temporaryDirectory } from "../../test/support/temporary.ts";
import { files } from "./files.ts";

test("a regular file is read; symlinks, pipes and directories are refused and not waited for", async (context) => {
  const directory = temporaryDirectory(context);
  const inside = join(directory, "inside");
  mkdirSync(inside);
  writeFileSync(join(directory, "secret"), "secret");
  writeFileSync(join(inside, "file"), Buffer.alloc(3_000_000, "x"));
  symlinkSync("../secret", join(inside, "relative"));
  symlinkSync("/etc/passwd", join(inside, "absolute"));
  symlinkSync("file", join(inside, "neighbour"));
  symlinkSync("inside", join(directory, "elsewhere"));
  linkSync(join(inside, "file"), join(inside, "hard"));
  execFileSync("mkfifo", [join(inside, "pipe")]);
  mkdirSync(join(inside, "directory"));

  // In memory that is used again, each piece is whole until the next is asked for; ending early is no harm.
  writeFileSync(
    join(inside, "counted"),
    Buffer.from(Uint32Array.from({ length: 1 << 18 }, (_, n) => n).buffer),
  );
  const copies: Uint8Array[] = [];
  for await (const piece of files.streamInside(inside, "counted", { reuse: true }))
    copies.push(Uint8Array.from(piece));
  assert.ok(copies.length > 3);
  assert.deepEqual(Buffer.concat(copies), readFileSync(join(inside, "counted")));
  for await (const piece of files.streamInside(inside, "counted", { reuse: true })) {
    assert.ok(piece.length > 0);
    break;
  }

  const read = (at: string, name: string) => collect(files.streamInside(join(directory, at), name));
  assert.equal((await read("inside", "file")).length, 3_000_000);
  assert.equal((await read("inside", "hard")).length, 3_000_000);
  for (const name of ["relative", "absolute", "neighbour", "pipe", "directory"])
    await assert.rejects(read("inside", name), { code: "io" }, name);
  await assert.rejects(read("inside", "none"), { code: "not-found" });
  await assert.rejects(read("elsewhere", "file"), { code: /^(?:io|not-found)$/ });
  for (const name of ["../secret", "directory/x", "..", ".", ""])
    await assert.rejects(read("inside", name), { code: "bug" }, name);
});
