import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../../test/support/temporary.ts";
import { NixsealError } from "../../core/errors.ts";
import { files } from "../../system/files.ts";
import { filesBelow } from "./receipts.ts";

test("a directory that somebody closed, or took away, holds up no receipts of others", async (t) => {
  const place = temporaryDirectory(t);
  for (const host of ["closed", "web"]) {
    mkdirSync(join(place, "receipts", host), { recursive: true });
    writeFileSync(join(place, "receipts", host, "1.json"), "{}");
  }
  const leftOut: string[] = [];
  const list = (path: string): Promise<string[]> =>
    path.endsWith("closed") ? Promise.reject(new NixsealError("io", "permission denied")) : files.list(path);
  const found = await filesBelow({ ...files, list }, place, (path) => leftOut.push(path));
  assert.deepEqual(found, [join(place, "receipts/web/1.json")]);
  assert.deepEqual(leftOut, [join(place, "receipts/closed")]);
});
