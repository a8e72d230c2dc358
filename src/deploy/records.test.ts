import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../test/support/temporary.ts";
import { filesState } from "../state/files-state.ts";
import { files } from "../system/files.ts";
import { readRollout, recordHost, recordRollout } from "./records.ts";

test("half a character in what a host says does not keep the record from being written", async (t) => {
  const state = filesState(files, join(temporaryDirectory(t), "state"));
  const at = "2026-01-01T00:00:00.000Z";
  await recordRollout(state, "r", { began: at, by: "alice@desk", hosts: ["web"], ended: null });
  await recordHost(state, "r", "web", { at, state: "failed", message: `${"x".repeat(3999)}\u{1f512}` });
  await recordHost(state, "r", "web", { at, state: "failed", message: "cut \ud83d" });
  assert.equal((await readRollout(state, "r"))!.hosts.get("web")!.message, "cut \ufffd");
});
