import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { top } from "./console.ts";
import { History } from "./support/git-history.ts";

test("a history with a policy is not judged without memory in silence", (context) => {
  const history = new History(context);
  const key = JSON.stringify(history.keys.text("alice.pub").trim());
  const policy = `version = 1\nthreshold = 1\n[members.alice]\nkeys = [${key}]\nrights = ["policy"]\n`;
  const introduction = history.commit("policy", { files: { "trust/policy.toml": policy } });
  const verify = (home: string | undefined) =>
    spawnSync(join(top, "bin/nixseal"), ["commits", "verify", "main", "--introduction", introduction], {
      cwd: history.directory,
      env: { PATH: process.env["PATH"], HOME: home },
      encoding: "utf8",
      timeout: 60_000,
    });
  const homeless = verify(undefined);
  assert.equal(homeless.status, 0, homeless.stderr);
  assert.match(homeless.stderr, /an older history would not be noticed/);
  const remembered = verify(history.home);
  assert.deepEqual([remembered.status, remembered.stderr], [0, ""]);
});
