/** Histories with a policy in them, made with stock git. Debian: git, openssh-client. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { History } from "../../../test/support/git-history.ts";
import { statementText } from "./approvals.ts";

interface Fields {
  readonly threshold?: number;
  readonly extra?: string;
  readonly bob?: string;
}

function policy(history: History, { threshold = 1, extra = "", bob = '["commit"]' }: Fields = {}): string {
  const key = (name: string) => `keys = [${JSON.stringify(history.keys.text(`${name}.pub`).trim())}]`;
  return `version = 1
threshold = ${threshold}
[members.alice]
${key("alice")}
rights = ["commit", "merge", "policy"]
paths = ["**"]
[members.bob]
${key("bob")}
rights = ${bob}
paths = ["hosts/web*/**", "*.md"]
${extra}`;
}

function begin(context: TestContext, fields: Fields = {}) {
  const history = new History(context);
  history.commit("before anybody signed");
  const introduction = history.commit("policy", {
    files: { "trust/policy.toml": policy(history, fields), flake: "1", "hosts/web1/a": "1" },
  });
  return { history, introduction };
}

const accepted = (count: number) => ({ accepted: count, refused: [] });

test("members change their paths, and no others", async (t) => {
  const { history, introduction } = begin(t);
  assert.deepEqual(await history.byPolicy(introduction), accepted(0));
  history.commit("1", { key: "alice", files: { flake: "2" } });
  history.commit("2", { key: "bob", files: { "hosts/web1/deep/b": "1", "NOTES.md": "1" } });
  assert.deepEqual(await history.byPolicy(introduction), accepted(2));
  const both = history.commit("3", { key: "bob", files: { "hosts/web1/deep/b": "2", flake: "3" } });
  const child = history.commit("4", { key: "alice" });
  assert.deepEqual(await history.byPolicy(introduction), {
    accepted: 2,
    refused: [
      [both, "right"],
      [child, "refused-parent"],
    ],
  });
});

for (const [name, files, code] of [
  ["moves a file out of its paths", { "hosts/web1/a": null, flake2: "1" }, "right"],
  ["puts a file in the place of a directory", { "hosts/web1": null, "hosts/web2": "1" }, "right"],
  ["changes the policy", { "trust/policy.toml": "version = 1" }, "no-policy"],
  ["takes the policy away", { "trust/policy.toml": null }, "no-policy"],
] as const) {
  test(`a member who ${name} is refused`, async (t) => {
    const { history, introduction } = begin(t);
    const id = history.commit(name, { key: "bob", files });
    assert.deepEqual(await history.byPolicy(introduction), { accepted: 0, refused: [[id, code]] });
  });
}

test("a commit does not bring its own signer, nor its own rights", async (t) => {
  const { history, introduction } = begin(t);
  const own = policy(history).replaceAll(
    history.keys.text("alice.pub").trim(),
    history.keys.text("mallory.pub").trim(),
  );
  const id = history.commit("mine now", { key: "mallory", files: { "trust/policy.toml": own } });
  assert.deepEqual(await history.byPolicy(introduction), { accepted: 0, refused: [[id, "unknown-signer"]] });
  history.git("reset", "-q", "--hard", introduction);
  const grant = policy(history, { bob: '["commit", "merge", "policy"]' });
  const raise = history.commit("raise", { key: "bob", files: { "trust/policy.toml": grant } });
  assert.deepEqual(await history.byPolicy(introduction), { accepted: 0, refused: [[raise, "right"]] });
});

test("a policy that two must change counts members, not keys, signatures or strangers", async (t) => {
  const { history, introduction } = begin(t, { threshold: 2, bob: '["commit", "policy"]' });
  const id = history.commit("members", {
    key: "alice",
    files: {
      "trust/policy.toml": `${policy(history, { threshold: 2, bob: '["commit", "policy"]' })}# changed\n`,
    },
  });
  const missing = { accepted: 0, refused: [[id, "approvals"]] };
  const statement = statementText({ action: "change-policy", commit: id, introduction });
  assert.equal(
    statement,
    `{"action":"change-policy","commit":"${id}","introduction":"${introduction}","version":1}`,
  );
  assert.deepEqual(await history.byPolicy(introduction), missing);
  history.approve(id, statement, "alice");
  history.approve(id, statement, "alice");
  history.approve(id, statement, "mallory");
  history.approve(id, statement.replace(id, introduction), "bob");
  assert.deepEqual(await history.byPolicy(introduction), missing);
  history.approve(id, statement, "bob");
  assert.deepEqual(await history.byPolicy(introduction), accepted(1));
});

test("one member with two keys is one member, and a key has one owner", async (t) => {
  const { history, introduction } = begin(t);
  const twice = `${policy(history)}[forges.hub]\nkeys = [${JSON.stringify(history.keys.text("bob.pub").trim())}]\n`;
  const id = history.commit("shared", { key: "alice", files: { "trust/policy.toml": twice } });
  assert.deepEqual(await history.byPolicy(introduction), { accepted: 0, refused: [[id, "no-policy"]] });
});

test("histories that do not come from the introduction", async (t) => {
  const { history, introduction } = begin(t);
  history.git("checkout", "-q", "-b", "side", `${introduction}~1`);
  const side = history.commit("side", { key: "alice", files: { flake: "old" } });
  assert.deepEqual(await history.byPolicy(introduction, "side"), {
    accepted: 0,
    refused: [[side, "not-descendant"]],
  });
  history.git("checkout", "-q", "main");
  history.git(...history.signing("alice"), "merge", "-q", "-S", "-X", "ours", "-m", "merge", "side");
  const merge = history.id("HEAD");
  const { refused } = await history.byPolicy(introduction);
  assert.deepEqual(
    new Map(refused),
    new Map([
      [side, "refused-parent"],
      [merge, "refused-parent"],
    ]),
  );
});

test("a merge needs its right, and the paths that it changes for each parent", async (t) => {
  const { history, introduction } = begin(t, { bob: '["commit", "merge"]' });
  history.git("checkout", "-q", "-b", "web");
  history.commit("web", { key: "bob", files: { "hosts/web1/a": "2" } });
  history.git("checkout", "-q", "main");
  history.commit("flake", { key: "alice", files: { flake: "2" } });
  history.git(...history.signing("bob"), "merge", "-q", "-S", "-m", "by bob", "web");
  const bobs = history.id("HEAD");
  // Against the parent `web` the merge changes `flake`, which bob may not: he could as well have dropped that change.
  assert.deepEqual(await history.byPolicy(introduction), { accepted: 2, refused: [[bobs, "right"]] });
  history.git("reset", "-q", "--hard", "HEAD~1");
  history.git(...history.signing("alice"), "merge", "-q", "-S", "-m", "by alice", "web");
  assert.deepEqual(await history.byPolicy(introduction), accepted(3));
});

/** The forge's key is an SSH key here; what it may do does not depend on the kind. */
function withForge(context: TestContext) {
  const history = new History(context);
  history.keys.key("hub");
  const extra = `[forges.hub]\nkeys = [${JSON.stringify(history.keys.text("hub.pub").trim())}]\n`;
  const introduction = history.commit("policy", {
    files: { "trust/policy.toml": policy(history, { extra }), flake: "1", "hosts/web1/a": "1" },
  });
  history.git("checkout", "-q", "-b", "web");
  const head = history.commit("web", { key: "bob", files: { "hosts/web1/a": "2" } });
  history.git("checkout", "-q", "main");
  history.commit("flake", { key: "alice", files: { flake: "2" } });
  return { history, introduction, head };
}

test("a forge merges what members signed, and nothing else", async (t) => {
  const { history, introduction } = withForge(t);
  history.git(...history.signing("hub"), "merge", "-q", "-S", "-m", "pull request", "web");
  assert.deepEqual(await history.byPolicy(introduction), accepted(3));
  history.write({ "hosts/web1/a": "evil" });
  history.git(...history.signing("hub"), "commit", "-q", "-S", "--amend", "-m", "pull request");
  const evil = history.id("HEAD");
  assert.deepEqual(await history.byPolicy(introduction), { accepted: 2, refused: [[evil, "forge-content"]] });
  history.git("reset", "-q", "--hard", "HEAD~1");
  const own = history.commit("edited in the browser", { key: "hub", files: { "README.md": "1" } });
  assert.deepEqual(await history.byPolicy(introduction), { accepted: 1, refused: [[own, "forge-content"]] });
});

test("a squash by a forge stands when its note names the branch that gives its content", async (t) => {
  const { history, introduction, head } = withForge(t);
  history.git("merge", "-q", "--squash", "web");
  const squash = history.commit("squashed", { key: "hub" });
  assert.deepEqual(await history.byPolicy(introduction), {
    accepted: 1,
    refused: [[squash, "forge-content"]],
  });
  history.git("notes", "--ref=nixseal-approvals", "add", "-m", `head ${head}`, squash);
  assert.deepEqual(await history.byPolicy(introduction), accepted(2));

  history.git("reset", "-q", "--hard", "HEAD~1");
  history.git("merge", "-q", "--squash", "web");
  const altered = history.commit("altered", { key: "hub", files: { "hosts/web1/a": "evil" } });
  history.git("notes", "--ref=nixseal-approvals", "add", "-m", `head ${head}`, altered);
  assert.deepEqual(await history.byPolicy(introduction), {
    accepted: 1,
    refused: [[altered, "forge-content"]],
  });
});

test("a member who was removed cannot go on from an old commit through the forge's button", async (t) => {
  const { history, introduction } = withForge(t);
  const extra = `[forges.hub]\nkeys = [${JSON.stringify(history.keys.text("hub.pub").trim())}]\n`;
  const without = policy(history, { extra }).replace(/\[members\.bob\][\s\S]*?(?=\[forges)/, "");
  history.commit("bob leaves", { key: "alice", files: { "trust/policy.toml": without } });
  history.git(...history.signing("hub"), "merge", "-q", "-S", "-m", "pull request", "web");
  const merge = history.id("HEAD");
  assert.deepEqual(await history.byPolicy(introduction), {
    accepted: 3,
    refused: [[merge, "forge-content"]],
  });
});
