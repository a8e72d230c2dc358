/** k-of-n approvals from the command line, and what must not count as one. Debian: git, openssh-client. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { top } from "./console.ts";
import { History } from "./support/git-history.ts";

const members = ["alice", "bob", "carol"] as const;

interface Scene {
  readonly history: History;
  readonly introduction: string;
  /** Exit code and all that was said. */
  readonly run: (...words: string[]) => { code: number | null; output: string };
  readonly approve: (name: string, ...words: string[]) => { code: number | null; output: string };
  readonly verdict: () => string;
}

/** Two of three must agree; bob has two keys. */
function scene(context: TestContext, threshold = 2, extra = ""): Scene {
  const history = new History(context);
  for (const name of ["carol", "bob2"]) history.keys.key(name);
  const lineOf = (name: string): string => JSON.stringify(history.keys.text(`${name}.pub`).trim());
  const table = (name: string): string => `[members.${name}]
keys = [${lineOf(name)}${name === "bob" ? `, ${lineOf("bob2")}` : ""}]
rights = ["commit", "policy"]
paths = ["**"]
`;
  const policy = `version = 1\nthreshold = ${threshold}\n${extra}${members.map(table).join("")}`;
  const introduction = history.commit("policy", { files: { "trust/policy.toml": policy } });
  const run: Scene["run"] = (...words) => {
    const { status, stdout, stderr } = spawnSync(join(top, "bin/nixseal"), words, {
      cwd: history.directory,
      env: { ...history.environment, NIXSEAL_INTRODUCTION: introduction },
      encoding: "utf8",
      timeout: 60_000,
    });
    return { code: status, output: `${stdout}${stderr}` };
  };
  return {
    history,
    introduction,
    run,
    approve: (name, ...words) =>
      run("commits", "approve", "HEAD", "--yes", "--key", history.keys.path(name), ...words),
    verdict: () => run("commits", "verify", "main").output,
  };
}

const change = (history: History, key: string, message = "change"): string => {
  const policy = history.body("HEAD:trust/policy.toml", "blob");
  return history.commit(message, { key, files: { "trust/policy.toml": `${policy}# ${message}\n` } });
};

test("two of three agree, the author among them; nobody counts twice", (context) => {
  const { history, approve, verdict } = scene(context);
  change(history, "alice");
  assert.match(verdict(), /changes the policy with 1 of 2 members \(alice\).*\[approvals\]/);
  assert.match(approve("alice").output, /alice agrees already/);
  assert.match(approve("mallory").output, /is no key of a member who may approve/);
  const { code, output } = approve("bob");
  assert.equal(code, 0, output);
  assert.match(output, /approved [0-9a-f]{12} as bob: 2 of 2 \(alice, bob\)/);
  assert.match(verdict(), /good: 1 commit accepted/);
});

test("a member with two keys is one, and the third one decides", (context) => {
  const { history, approve, run, verdict } = scene(context, 3);
  change(history, "alice");
  assert.equal(approve("bob").code, 0);
  assert.match(approve("bob2").output, /bob agrees already/);
  assert.match(verdict(), /2 of 3 members \(alice, bob\)/);
  const introduction = history.id("HEAD~1");
  // By hand, as docs/commits.md shows: stock tools make the same.
  const statement = `{"action":"change-policy","commit":"${history.id("HEAD")}","introduction":"${introduction}","version":1}`;
  history.approve(history.id("HEAD"), statement, "bob2");
  assert.match(verdict(), /2 of 3 members \(alice, bob\)/);
  const last = run("commits", "approve", "main", "--json", "--yes", "--key", history.keys.path("carol"));
  const shown = JSON.parse(last.output) as { agreed: string[]; complete: boolean };
  assert.deepEqual([shown.agreed, shown.complete], [["alice", "bob", "carol"], true]);
  assert.match(verdict(), /good: 1 commit accepted/);
});

test("an approval is for one commit and one history", (context) => {
  const { history, approve, verdict } = scene(context);
  const first = change(history, "alice", "first");
  assert.equal(approve("bob").code, 0);
  const note = history.git("notes", "--ref=nixseal-approvals", "show", first);
  history.git("reset", "-q", "--hard", "HEAD~1");
  const second = change(history, "alice", "second");
  history.git("notes", "--ref=nixseal-approvals", "add", "-m", note, second);
  assert.match(verdict(), /1 of 2 members \(alice\)/);
  // For the history from another introduction.
  history.git("notes", "--ref=nixseal-approvals", "remove", second);
  assert.equal(approve("bob", "--introduction", second).code, 0);
  assert.match(verdict(), /1 of 2 members \(alice\)/);
  assert.equal(approve("carol").code, 0);
  assert.match(verdict(), /good: 1 commit accepted/);
});

test("what needs no approval gets none, and a person is shown what changes", (context) => {
  const { history, approve, run, introduction } = scene(context);
  const plain = history.commit("plain", { key: "alice", files: { a: "1" } });
  assert.match(approve("bob").output, /does not change trust\/policy.toml, and only that needs approvals/);
  assert.equal(run("commits", "approve", "nowhere", "--yes").code, 2);
  assert.match(run("commits", "approve", `${introduction}..${plain}`, "--yes").output, /is not one commit/);
  const policy = history.body("HEAD:trust/policy.toml", "blob").replace("threshold = 2", "threshold = 1");
  history.commit("weaker", { key: "alice", files: { "trust/policy.toml": policy } });
  const command = `${join(top, "bin/nixseal")} commits approve HEAD --key ${history.keys.path("bob")} <<< y`;
  const asked = spawnSync("script", ["-qec", `bash -c ${JSON.stringify(command)}`, "/dev/null"], {
    cwd: history.directory,
    env: { ...history.environment, NIXSEAL_INTRODUCTION: introduction },
    input: "n\n",
    encoding: "utf8",
    timeout: 60_000,
  });
  assert.match(asked.stdout, /- 2 must agree to change the policy\s+\+ 1 must agree to change the policy/);
  assert.match(asked.stdout, /not approved/);
  assert.match(run("commits", "approve", "HEAD", "--key", history.keys.path("bob")).output, /no terminal/);
});

test("an encrypted key approves with --passphrase-fd, and one in an agent by its public half", (context) => {
  const { history, verdict, introduction } = scene(context, 3);
  change(history, "alice");
  history.keys.run(["-q", "-p", "-P", "", "-N", "correct horse", "-f", "bob"]);
  const script = `
    nixseal commits approve HEAD --yes --key "$1/bob" --passphrase-fd 7 7<<< 'correct horse'
    eval "$(ssh-agent -s)" > /dev/null; trap 'ssh-agent -k > /dev/null' EXIT
    ssh-add -q "$1/carol"; mv "$1/carol" "$1/carol.away"
    nixseal commits approve HEAD --yes --key "$1/carol.pub"`;
  const { status, stdout, stderr } = spawnSync("bash", ["-ec", script, "bash", history.keys.directory], {
    cwd: history.directory,
    env: {
      ...history.environment,
      PATH: `${join(top, "bin")}:${process.env["PATH"]}`,
      NIXSEAL_INTRODUCTION: introduction,
    },
    encoding: "utf8",
    timeout: 60_000,
  });
  assert.equal(status, 0, stdout + stderr);
  assert.match(verdict(), /good: 1 commit accepted/);
});

test("a certificate approves for its member, and one key with two of them is one", (context) => {
  const history = new History(context);
  const ca = history.keys.key("ca");
  const authority = JSON.stringify(history.keys.text("ca.pub").trim());
  const { approve, verdict, history: own } = scene(context, 3, `authorities = [${authority}]\n`);
  change(own, "alice");
  const certify = (key: string, member: string, file: string, rights = "policy"): string => {
    const option = `critical:rights@nixseal={"hosts":["web"],"rights":["${rights}"],"v":1}`;
    const args = ["-q", "-s", ca, "-I", member, "-n", member, "-V", "+1h", "-O", "clear", "-O", option];
    own.keys.run([...args, own.keys.path(`${key}.pub`)]);
    own.keys.write(file, own.keys.text(`${key}-cert.pub`));
    return own.keys.path(file);
  };
  own.keys.key("new");
  const upload = certify("new", "bob", "upload", "upload");
  assert.match(
    approve("new", "--certificate", upload).output,
    /would not count: .*does not give the right 'policy'/,
  );
  assert.equal(approve("new", "--certificate", certify("new", "bob", "one")).code, 0);
  // The same key with a certificate for another member: signed as she, counted once.
  approve("new", "--certificate", certify("new", "carol", "two"));
  assert.match(verdict(), /2 of 3 members \(alice, bob\)/);
  assert.equal(approve("carol").code, 0);
  assert.match(verdict(), /good: 1 commit accepted/);
});

test("a going back is approved for one branch, from one commit", (context) => {
  const { history, introduction, approve, run, verdict } = scene(context);
  const bad = history.commit("bad", { key: "alice", files: { a: "1" } });
  assert.match(verdict(), /good: 1 commit accepted/);
  history.git("reset", "-q", "--hard", introduction);
  assert.match(verdict(), /does not descend from/);
  const back = (name: string, branch = "main") =>
    run("commits", "approve", branch, "--yes", "--go-back-from", bad, "--key", history.keys.path(name));
  assert.match(back("alice").output, /1 of 2 \(alice\)/);
  assert.match(verdict(), /does not descend from/);
  history.git("branch", "other");
  assert.equal(back("bob", "other").code, 0); // for another branch
  assert.match(verdict(), /does not descend from/);
  assert.match(back("bob").output, /2 of 2 \(alice, bob\)/);
  assert.match(verdict(), /good: 0 commits accepted/);
  assert.equal(approve("bob").code, 4);
});
