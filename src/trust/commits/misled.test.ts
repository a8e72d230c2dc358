/** Repositories in which git itself answers another question than the one that was asked. Debian: git, openssh-client. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { History } from "../../../test/support/git-history.ts";

test("a tag that takes a branch's name is not judged in the branch's place", async (t) => {
  const history = new History(t);
  const signers = history.line("alice", "alice");
  const good = history.commit("good", { key: "alice" });
  const evil = history.commit("evil", { key: "mallory" });
  // Fetching the branch brings such a tag along: it names a commit of the branch.
  history.git("tag", "main", good);
  for (const revision of ["main", `${good}..main`, "main~0"])
    await assert.rejects(history.bySigners([revision], signers), { code: "refused" }, revision);
  history.git("config", "core.warnAmbiguousRefs", "false");
  await assert.rejects(history.bySigners(["main"], signers), { code: "refused" });
  assert.deepEqual(await history.bySigners(["refs/heads/main"], signers), {
    accepted: 1,
    refused: [[evil, "unknown-signer"]],
  });
});
