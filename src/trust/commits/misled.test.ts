/** Repositories in which git itself answers another question than the one that was asked. Debian: git, openssh-client. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { History } from "../../../test/support/git-history.ts";
import { files } from "../../system/files.ts";
import { processes } from "../../system/processes.ts";
import { openRepository } from "./repository.ts";

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

test("a bare repository that was committed into another is not judged in the other's place", async (t) => {
  const history = new History(t);
  const fleet = join(history.directory, "fleet");
  mkdirSync(join(fleet, "nixos"), { recursive: true });
  const found = async (directory: string) =>
    (await openRepository(processes, files, directory)).commonDirectory;
  assert.equal(await found(join(fleet, "nixos")), join(history.directory, ".git"));
  for (const inner of [fleet, join(fleet, "nixos")]) {
    for (const name of ["objects", "refs"]) mkdirSync(join(inner, name));
    writeFileSync(join(inner, "HEAD"), "ref: refs/heads/main\n");
    await assert.rejects(found(join(fleet, "nixos")), { code: "refused" });
  }
  const bare = join(history.home, "bare.git");
  history.git("clone", "-q", "--bare", history.directory, bare);
  assert.equal(await found(bare), bare);
});
