/** Repositories in which git itself answers another question than the one that was asked. Debian: git, openssh-client. */
import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
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

test("a signed tag of a commit that is missing, or that is none, is no history without commits", async (t) => {
  const history = new History(t);
  const signers = history.line("alice", "alice");
  const good = history.commit("good", { key: "alice" });
  const evil = history.commit("evil", { key: "mallory" });
  history.git(...history.signing("alice"), "tag", "-s", "-m", "1", "v1");
  const tag = history.id("v1");
  assert.deepEqual(await history.bySigners(["v1"], signers), {
    accepted: 1,
    refused: [[evil, "unknown-signer"]],
  });
  rmSync(join(history.directory, ".git/objects", evil.slice(0, 2), evil.slice(2)));
  assert.deepEqual(await history.bySigners(["v1"], signers), { accepted: 0, refused: [[tag, "missing"]] });
  const lie = `object ${history.id(`${good}^{tree}`)}\ntype commit\ntag v2\ntagger a <a> 1 +0000\n\nx\n`;
  const id = history.store(lie, "tag");
  assert.deepEqual(await history.bySigners([id], signers), { accepted: 0, refused: [[id, "malformed"]] });
});
