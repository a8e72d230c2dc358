/** Which ends, references and replacements a range has. Debian: git, openssh-client. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { History } from "../../../test/support/git-history.ts";
import { files } from "../../system/files.ts";
import { processes } from "../../system/processes.ts";
import { openRange, resolveRange } from "./range.ts";

test("one process finds the references and replacements that git lists one by one", async (t) => {
  const history = new History(t);
  const first = history.commit("first");
  const second = history.commit("second");
  const third = history.commit("third");
  history.git("tag", "-m", "1", "v1");
  history.git("tag", "light", second);
  const open = (...revisions: string[]) => openRange(processes, files, history.directory, revisions);
  const same = async (...revisions: string[]) => {
    const { repository, range } = await open(...revisions);
    assert.deepEqual(range, await resolveRange(repository, revisions), revisions.join(" "));
    return range;
  };
  const named = async (...revisions: string[]) => (await same(...revisions)).references;
  const main = { name: "refs/heads/main", object: third };
  for (const revision of ["main", "HEAD", "@", "heads/main", "refs/heads/main", "light..main", "main^!"])
    assert.deepEqual(await named(revision), [main], revision);
  assert.deepEqual(await named("light"), [{ name: "refs/tags/light", object: second }]);
  assert.deepEqual(await named("v1"), [{ name: "refs/tags/v1", object: history.id("v1") }]);
  // What leads to a commit by way of a reference does not make the reference lead there.
  for (const revision of ["main~1", "v1~1", "v1^{commit}", "main^@", "main@{0}", third, "main~2..main~1"])
    assert.deepEqual(await named(revision), [], revision);
  assert.deepEqual(await named("main", "main~1"), [main]);
  assert.deepEqual(await named("main~1", "light"), [{ name: "refs/tags/light", object: second }]);

  history.git("replace", second, first);
  history.git("update-ref", "refs/replace/a/b", third);
  assert.deepEqual((await same("main")).replaced, ["a/b", second].sort());
  assert.deepEqual((await same("main", "light")).replaced, ["a/b", second].sort());
});

test("a detached HEAD is a commit without the name of a reference", async (t) => {
  const history = new History(t);
  const id = history.commit("first");
  history.git("checkout", "-q", "--detach");
  history.git("fetch", "-q", ".", "main");
  for (const revision of ["HEAD", "@", "FETCH_HEAD"]) {
    const { repository, range } = await openRange(processes, files, history.directory, [revision]);
    assert.deepEqual([range.tips, range.references], [[id], []], revision);
    assert.deepEqual(await resolveRange(repository, [revision]), range);
  }
});
