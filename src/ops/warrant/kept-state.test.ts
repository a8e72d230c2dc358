import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../../test/support/temporary.ts";
import { member, signed, warrant } from "../../../test/support/warrants.ts";
import { formatChecked } from "../../gate/checked-file.ts";
import { files } from "../../system/files.ts";
import { formatWarrantState, nothingAccepted, stateAfter } from "../../trust/warrant/state.ts";
import { keptState } from "./kept-state.ts";

test("--state takes the host's own state.json with its check line, its body alone, and nothing damaged", async (context) => {
  const directory = temporaryDirectory(context);
  const digest = "ab".repeat(32);
  const state = stateAfter(nothingAccepted, warrant({ seq: 1, prev: null }), digest);
  const envelope = await signed(warrant({ seq: 2, prev: digest }), member("alice", 1));

  const body = formatWarrantState(state);
  const read = (bytes: Uint8Array) => {
    writeFileSync(join(directory, "state.json"), bytes);
    return keptState({ files, workingDirectory: directory }, join(directory, "warrants"), envelope, {
      state: "state.json",
    });
  };
  const checked = formatChecked(body);
  assert.deepEqual((await read(checked)).state, state);
  assert.deepEqual((await read(body)).state, state);
  const damaged = Buffer.from(checked);
  damaged[body.indexOf(0x62)]! ^= 1; // a digit of the digest
  await assert.rejects(read(damaged), { code: "malformed" });
  await assert.rejects(read(checked.subarray(0, -1)), { code: "malformed" });
});
