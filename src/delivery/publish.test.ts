import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../test/support/temporary.ts";
import { utf8 } from "../core/bytes.ts";
import { files } from "../system/files.ts";
import { publishFiles } from "./publish.ts";

test("a pipe or a link in the place of a file is neither waited for nor followed", async (t) => {
  const directory = temporaryDirectory(t);
  execFileSync("mkfifo", [join(directory, "pipe")]);
  fs.writeFileSync(join(directory, "elsewhere"), "news");
  fs.symlinkSync("elsewhere", join(directory, "link"));
  const wanted = ["pipe", "link"].map((name) => ({ name, bytes: utf8("news") }));
  await publishFiles(files, directory, wanted);
  for (const { name } of wanted) {
    assert.ok(fs.lstatSync(join(directory, name)).isFile(), name);
    assert.equal(fs.readFileSync(join(directory, name), "utf8"), "news");
  }
  assert.equal(fs.readFileSync(join(directory, "elsewhere"), "utf8"), "news");
});
