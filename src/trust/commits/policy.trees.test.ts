/** Changes of trees that a list of paths could pass over. Debian: git, openssh-client. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { History } from "../../../test/support/git-history.ts";

/** Alice may do all; bob may change what is below hosts/web1, and .gitmodules. */
function begin(context: TestContext) {
  const history = new History(context);
  const key = (name: string) => `keys = [${JSON.stringify(history.keys.text(`${name}.pub`).trim())}]`;
  const policy = `version = 1
threshold = 1
[members.alice]
${key("alice")}
rights = ["commit", "merge", "policy"]
paths = ["**"]
[members.bob]
${key("bob")}
rights = ["commit"]
paths = ["hosts/web1/**", ".gitmodules"]
`;
  const files = { "trust/policy.toml": policy, flake: "1", "hosts/web1/a": "1" };
  return { history, introduction: history.commit("policy", { files }) };
}

test("a submodule moves only for those who may change it, whatever .gitmodules says", async (t) => {
  const { history, introduction } = begin(t);
  const move = (digit: string) =>
    history.git("update-index", "--add", "--cacheinfo", `160000,${digit.repeat(40)},vendor`);
  const sign = (message: string, key: string) =>
    history.git(...history.signing(key), "commit", "-q", "-S", "-m", message);
  writeFileSync(
    join(history.directory, ".gitmodules"),
    '[submodule "v"]\npath = vendor\nurl = /v\nignore = all\n',
  );
  history.git("add", ".gitmodules");
  move("1");
  sign("submodule", "alice");
  assert.deepEqual(await history.byPolicy(introduction), { accepted: 1, refused: [] });
  move("2");
  sign("moved", "bob");
  const refused = [[history.id("HEAD"), "right"]];
  assert.deepEqual(await history.byPolicy(introduction), { accepted: 1, refused });
});

test("the policy file's mode is no one's who may not change the policy", async (t) => {
  const { history, introduction } = begin(t);
  history.git("update-index", "--chmod=+x", "trust/policy.toml");
  history.git(...history.signing("bob"), "commit", "-q", "-S", "-m", "mode");
  const refused = [[history.id("HEAD"), "right"]];
  assert.deepEqual(await history.byPolicy(introduction), { accepted: 0, refused });
});

for (const name of ["..", ".git", ".GIT", "."]) {
  test(`a tree with an entry '${name}' leads out of a member's paths`, async (t) => {
    const { history, introduction } = begin(t);
    const entry = (mode: string, path: string, id: string) =>
      Buffer.concat([Buffer.from(`${mode} ${path}\0`), Buffer.from(id, "hex")]).toString("latin1");
    const blob = history.store("evil", "blob");
    const inner = history.store(entry("100644", "flake", blob), "tree");
    const web = history.store(entry("40000", name, inner), "tree");
    const hosts = history.store(entry("40000", "web1", web), "tree");
    const flake = history.id(`${introduction}:flake`);
    const trust = history.id(`${introduction}:trust`);
    const top = [
      entry("100644", "flake", flake),
      entry("40000", "hosts", hosts),
      entry("40000", "trust", trust),
    ];
    const tree = history.store(top.join(""), "tree");
    const id = history.git(...history.signing("bob"), "commit-tree", "-S", "-p", "HEAD", "-m", "x", tree);
    assert.deepEqual(await history.byPolicy(introduction, id), { accepted: 0, refused: [[id, "malformed"]] });
  });
}
