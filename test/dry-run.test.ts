import assert from "node:assert/strict";
import { existsSync, mkdirSync } from "node:fs";
import { test } from "node:test";
import { testFleet } from "./support/fleet.ts";

test("a dry run writes nothing at all, not even a lock: it works in a checkout that is not one's own", (context) => {
  const fleet = testFleet(context, `[secrets.one]\nhosts = ["web"]\n`);
  assert.equal(fleet.run(["secrets", "set", "one"], "value").code, 0);
  // Something that is no lock file stands for a place where none can be made, for root too.
  mkdirSync(fleet.file(".git/nixseal.lock"), { recursive: true });
  assert.equal(fleet.run(["secrets", "set", "one"], "value").code, 2);
  for (const words of ["rekey --all", "remove one", "rename one other"]) {
    const { code, stderr } = fleet.run(["secrets", ...words.split(" "), "--dry-run"]);
    assert.equal(code, 0, `${words}: ${stderr}`);
  }
  assert.ok(existsSync(fleet.file("secrets/one.age")));
});
