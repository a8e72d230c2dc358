/** Commits that count by certificates of the fleet's root, and what must not. Debian: git, openssh-client. */
import assert from "node:assert/strict";
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { trustFleet, type TrustFleet } from "./support/trust-fleet.ts";

interface Signed {
  readonly fleet: TrustFleet;
  readonly git: (...args: string[]) => string;
  /** A signed commit of everything; the key is a file of a public key or a certificate. */
  readonly commit: (key: string, message?: string) => string;
  /** `trust issue` to a member; the file of the certificate, beside the key. */
  readonly issue: (member: string, rights: string, ...more: string[]) => string;
  /** What `commits verify` says, as `code: reason` of each refused commit; "good N" when all are accepted. */
  readonly verify: (...words: string[]) => string;
}

function signed(context: TestContext): Signed {
  const fleet = trustFleet(context);
  const git = (...args: string[]): string => {
    const { code, output } = fleet.shell("git", args);
    if (code !== 0) throw new Error(`git ${args.join(" ")}: ${output}`);
    return output.trim();
  };
  for (const [name, value] of [
    ["user.name", "Somebody"],
    ["user.email", "somebody@example.org"],
    ["gpg.format", "ssh"],
  ] as const)
    git("config", name, value);
  fleet.write(".gitignore", "*.away\n");
  return {
    fleet,
    git,
    commit: (key, message = "change") => {
      git("add", "-A");
      git("-c", `user.signingkey=${key}`, "commit", "-q", "-S", "--allow-empty", "-m", message);
      return git("rev-parse", "HEAD");
    },
    issue: (member, rights, ...more) => {
      const out = `${fleet.key(member)}-cert.pub`;
      rmSync(out, { force: true });
      const words = ["trust", "issue", member, "--rights", rights, "--hosts", "web", "--for", "1h"];
      fleet.expect(0, ...words, "--key", `${fleet.key(member)}.pub`, "--out", out, ...more);
      return out;
    },
    verify: (...words) => {
      const { code, stdout, stderr } = fleet.run(["commits", "verify", "--json", ...words]);
      const output = JSON.parse(stdout) as {
        accepted?: number;
        refused?: { code: string; reason: string }[];
        message?: string;
      };
      if (output.refused === undefined) return `${code}: ${output.message}`;
      assert.equal(code, output.refused.length === 0 ? 0 : 4, stderr);
      if (output.refused.length === 0) return `good ${output.accepted}`;
      return output.refused.map((one) => `${one.code}: ${one.reason}`).join("\n");
    },
  };
}

const policy = `version = 1
threshold = 1
authorities = ["root"]
[members.alice]
keys = []
rights = ["commit", "merge", "policy"]
paths = ["**"]
[members.bob]
keys = []
rights = ["commit"]
paths = ["hosts/**"]
`;

/** A fleet whose policy leaves certificates to the root that the introduction holds. */
function introduced(context: TestContext): Signed & { introduction: string } {
  const history = signed(context);
  history.fleet.expect(0, "trust", "init");
  history.fleet.write("trust/policy.toml", policy);
  return { ...history, introduction: history.commit(`${history.fleet.key("alice")}.pub`, "policy") };
}

test("a certificate of the root counts for what it gives, by a policy", (context) => {
  const { fleet, commit, issue, verify, introduction } = introduced(context);
  const alice = issue("alice", "commit,policy");
  mkdirSync(fleet.file("hosts"));
  fleet.write("flake.nix", "1");
  commit(alice);
  assert.equal(verify("--introduction", introduction), "good 1");
  const bob = issue("bob", "commit");
  commit(alice);
  fleet.write("hosts/web", "1");
  commit(bob);
  assert.equal(verify("--introduction", introduction), "good 3");
  fleet.write("flake.nix", "2");
  commit(bob);
  assert.match(verify("--introduction", introduction), /^right: bob may not change flake.nix/);
});

test("rights for other things, bare keys and certificates for logins count for nothing", (context) => {
  const { fleet, commit, git, issue, verify, introduction } = introduced(context);
  commit(`${fleet.key("alice")}.pub`);
  assert.match(verify("--introduction", introduction), /^unknown-signer/);
  git("reset", "-q", "--hard", introduction);
  commit(issue("alice", "upload,activate"));
  assert.match(
    verify("--introduction", introduction),
    /^right: the certificate does not give the right 'commit'/,
  );
  git("reset", "-q", "--hard", introduction);
  const login = ["-q", "-s", fleet.key("alice"), "-I", "login", "-n", "alice", "-V", "+1h"];
  fleet.shell("ssh-keygen", [...login, `${fleet.key("alice")}.pub`]);
  commit(`${fleet.key("alice")}-cert.pub`);
  assert.match(verify("--introduction", introduction), /^right: .*has no 'rights@nixseal'/);
});

test("what is revoked or has ended counts no more, whatever was accepted before", (context) => {
  const { fleet, commit, git, issue, verify, introduction } = introduced(context);
  const alice = issue("alice", "commit,policy");
  const bob = issue("bob", "commit");
  commit(alice);
  mkdirSync(fleet.file("hosts"));
  fleet.write("hosts/web", "1");
  commit(bob);
  assert.equal(verify("--introduction", introduction), "good 2");
  fleet.expect(0, "trust", "revoke", "bob");
  commit(alice, "revoked");
  assert.match(verify("--introduction", introduction), /^revoked: .*\nrefused-parent: /);
  // An older list does not bring it back: not by the tip, which memory knows, nor by one that is damaged or gone.
  git("checkout", "-q", "-b", "side", "HEAD~1");
  assert.match(
    verify("side", "--introduction", introduction),
    /^4: the revocation list is gone; version 1 was seen/,
  );
  git("checkout", "-q", "-");
  rmSync(fleet.file("trust/krl.sig"));
  commit(alice);
  assert.match(verify("--introduction", introduction), /^4: the revocation list has no signature/);
});

test("whoever was revoked does not begin by taking the list away, where nobody remembers it either", (context) => {
  const { fleet, commit, git, issue, verify, introduction } = introduced(context);
  const state = join(fleet.env["HOME"]!, ".local/state/nixseal");
  const forget = (): void => rmSync(state, { recursive: true, force: true });
  const pinned = fleet.file("pinned.away");
  copyFileSync(fleet.file("trust/root.json"), pinned);
  const all = readFileSync(fleet.file("trust/policy.toml"), "utf8").replace(
    'paths = ["hosts/**"]',
    'paths = ["**"]',
  );
  fleet.write("trust/policy.toml", all);
  const alice = issue("alice", "commit,policy,merge");
  commit(alice);
  const bob = issue("bob", "commit");
  const listed = commit(alice);
  fleet.expect(0, "trust", "revoke", "bob");
  commit(alice, "the list");
  rmSync(fleet.file("trust/krl"));
  rmSync(fleet.file("trust/krl.sig"));
  commit(bob, "no list");
  for (const words of [
    ["--introduction", introduction],
    ["--root", pinned, `${introduction}..HEAD`],
  ]) {
    forget();
    assert.match(verify(...words), /^4: the revocation list is gone; version 1 in the range's own commit/);
  }
  // By a merge that leaves out what its other side brings.
  git("reset", "-q", "--hard", listed);
  git("merge", "-q", "-s", "ours", "--no-commit", "--no-ff", "@{1}~1");
  commit(alice, "merge");
  forget();
  assert.match(
    verify("--introduction", introduction),
    /^4: the revocation list is gone; version 1 in the range's own/,
  );
  // What nobody signed never counted: taking it out takes nothing back.
  git("reset", "-q", "--hard", listed);
  fleet.shell("ssh-keygen", ["-q", "-k", "-z", "99", "-f", "trust/krl", `${fleet.key("db")}.pub`]);
  commit(alice, "a list without a signature");
  rmSync(fleet.file("trust/krl"));
  commit(alice, "none again");
  forget();
  assert.match(verify("--introduction", introduction), /^good /);
});

test("a certificate that has ended counts no more, whatever date the commit says", (context) => {
  const { fleet, commit, issue, verify, introduction } = introduced(context);
  const args = ["-q", "-s", fleet.key("alice"), "-n", "alice", "-V", "-2h:-1h", "-O", "clear"];
  const rights = 'critical:rights@nixseal={"hosts":["web"],"rights":["commit"],"v":1}';
  fleet.shell("ssh-keygen", [
    ...args,
    "-I",
    "test/alice/1",
    "-z",
    "1",
    "-O",
    rights,
    `${fleet.key("alice")}.pub`,
  ]);
  commit(`${fleet.key("alice")}-cert.pub`);
  assert.match(verify("--introduction", introduction), /^expired: /);
  commit(issue("alice", "commit"));
  assert.match(verify("--introduction", introduction), /^expired: .*\nrefused-parent: /);
});

test("a root of the attacker's, in the repository, is nobody's", (context) => {
  const { fleet, commit, verify, introduction } = introduced(context);
  const other = signed(context);
  other.fleet.expect(0, "trust", "init");
  const certificate = other.issue("alice", "commit,merge,policy");
  // Signed by a certificate of a CA that only the attacker's root names, which comes with the commit.
  copyFileSync(certificate, `${other.fleet.key("alice")}-cert.pub`);
  copyFileSync(other.fleet.file("trust/root.json"), fleet.file("trust/root.json"));
  commit(certificate);
  assert.match(verify("--introduction", introduction), /^4: another root has version 1/);
  // As a next version, which the pinned root's keys did not sign.
  cpSync(other.fleet.file("trust"), fleet.file("trust"), { recursive: true });
  other.fleet.expect(0, "trust", "rotate");
  copyFileSync(other.fleet.file("trust/root.json"), fleet.file("trust/root.json"));
  fleet.shell("git", ["show", `${introduction}:trust/root.json`]);
  writeFileSync(
    fleet.file("trust/root.1.json"),
    fleet.shell("git", ["show", `${introduction}:trust/root.json`]).output,
  );
  commit(certificate);
  assert.match(
    verify("--introduction", introduction),
    /^4: root version 2 has 0 of the 1 signatures of version 1's/,
  );
  rmSync(fleet.file("trust/root.json"));
  commit(certificate);
  assert.match(verify("--introduction", introduction), /^4: the commit holds no root/);
  // A link to a root outside of the repository.
  fleet.shell("ln", ["-s", other.fleet.file("trust/root.json"), fleet.file("trust/root.json")]);
  commit(certificate);
  assert.match(verify("--introduction", introduction), /^4: is no regular file in the commit/);
});

test("the files that are checked out say nothing, only those of the commit", (context) => {
  const { fleet, commit, issue, verify, introduction } = introduced(context);
  commit(issue("alice", "commit"));
  const other = trustFleet(context);
  other.expect(0, "trust", "init");
  copyFileSync(other.file("trust/root.json"), fleet.file("trust/root.json"));
  assert.equal(verify("--introduction", introduction), "good 1");
});

test("a CA of two fleets has issued for one of them", (context) => {
  const { fleet, commit, git, issue, verify, introduction } = introduced(context);
  const toml = readFileSync(fleet.file("fleet.toml"), "utf8");
  commit(issue("alice", "commit"));
  assert.equal(verify("--introduction", introduction), "good 1");
  // The same keys, another fleet: its certificates are not for this one.
  mkdirSync(fleet.file("other.away"));
  fleet.write("other.away/fleet.toml", toml.replace('name = "test"', 'name = "other"'));
  fleet.expect(0, "trust", "init", "--fleet", "other.away");
  git("reset", "-q", "--hard", introduction);
  commit(issue("alice", "commit", "--fleet", "other.away"));
  assert.match(
    verify("--introduction", introduction),
    /^right: the certificate is of the fleet 'other', not 'test'/,
  );
});

test("a CA that was rotated out takes its certificates along, and nobody goes back before that", (context) => {
  const { fleet, commit, git, issue, verify, introduction } = introduced(context);
  const alice = issue("alice", "commit");
  commit(alice);
  assert.equal(verify("HEAD", "--introduction", introduction), "good 1");
  const shown = JSON.parse(fleet.expect(0, "trust", "show", "--json")) as {
    root: { caKeys: { fingerprint: string }[] };
  };
  const ca = ["--add-ca-key", `${fleet.key("db")}.pub`, "--remove-ca-key", shown.root.caKeys[0]!.fingerprint];
  fleet.expect(0, "trust", "rotate", ...ca);
  commit(alice, "by the old CA");
  assert.match(verify("--introduction", introduction), /^unknown-signer/);
  git("reset", "-q", "--hard", "HEAD~1");
  assert.match(
    verify("--introduction", introduction),
    /^4: root version 1 is older than version 2, seen before/,
  );
});

test("with a pinned root and no policy every member with the right commits; lists of signers keep their meaning", (context) => {
  const { fleet, commit, git, issue, verify } = signed(context);
  fleet.expect(0, "trust", "init");
  const pinned = fleet.file("pinned.away");
  copyFileSync(fleet.file("trust/root.json"), pinned);
  const first = commit(issue("alice", "commit"));
  assert.equal(verify("--root", pinned), "good 1");
  assert.match(verify(), /^4: nobody is trusted to sign/);
  // Of the same CA, for a login: it says nothing about commits.
  const login = ["-q", "-s", fleet.key("alice"), "-I", "login", "-n", "alice", "-V", "+1h"];
  fleet.shell("ssh-keygen", [...login, `${fleet.key("alice")}.pub`]);
  commit(`${fleet.key("alice")}-cert.pub`);
  assert.match(verify("--root", pinned), /^right: .*has no 'rights@nixseal'/);
  git("reset", "-q", "--hard", first);
  fleet.write("signers.away", `bob ${fleet.publicKey("bob")}\n`);
  // The list alone knows no root, and with one it says what it said.
  assert.match(verify("--signers", "signers.away"), /^unknown-signer/);
  commit(`${fleet.key("bob")}.pub`);
  assert.match(verify("--root", pinned), /^unknown-signer/);
  assert.equal(verify("--root", pinned, "--signers", "signers.away"), "good 2");
  fleet.expect(0, "trust", "revoke", "bob");
  commit(issue("alice", "commit"), "revoked");
  assert.match(verify("--root", pinned, "--signers", "signers.away"), /^revoked: /);
  git("reset", "-q", "--hard", first);
  // A version that was only drafted, a file that is missing or no root.
  writeFileSync(pinned, readFileSync(pinned, "utf8").replace(/"signatures":\[.*\]/s, '"signatures":[]'));
  assert.match(verify("--root", pinned), /^4: too few of its own keys/);
  assert.match(verify("--root", "nowhere"), /^4: there is no such file/);
  assert.match(verify("--root", "signers.away"), /^2: /);
});

test("a merge needs a certificate for merges, and a policy without a root to go by accepts nobody", (context) => {
  const { fleet, commit, git, issue, verify, introduction } = introduced(context);
  const alice = issue("alice", "commit");
  fleet.write("a", "1");
  commit(alice);
  git("checkout", "-q", "-b", "side", introduction);
  fleet.write("b", "1");
  commit(alice);
  git("-c", `user.signingkey=${alice}`, "merge", "-q", "-S", "--no-ff", "-m", "merge", "@{-1}");
  assert.match(
    verify("--introduction", introduction),
    /^right: the certificate does not give the right 'merge'/,
  );

  const rootless = signed(context);
  rootless.fleet.write("trust", "");
  rmSync(rootless.fleet.file("trust"));
  mkdirSync(rootless.fleet.file("trust"));
  rootless.fleet.write("trust/policy.toml", policy);
  const start = rootless.commit(`${rootless.fleet.key("alice")}.pub`);
  rootless.fleet.expect(0, "trust", "init");
  rootless.commit(rootless.issue("alice", "commit"));
  assert.match(
    rootless.verify("--introduction", start),
    /^4: the policy leaves certificates to the root, and the intro/,
  );
  assert.equal(
    rootless.verify("--introduction", start, "--root", rootless.fleet.file("trust/root.json")),
    "good 1",
  );
});

test("a memory that somebody planted refuses, and one that others could write is not believed", (context) => {
  const { fleet, commit, issue, verify, introduction } = introduced(context);
  commit(issue("alice", "commit"));
  assert.equal(verify("--introduction", introduction), "good 1");
  const state = join(fleet.env["HOME"]!, ".local/state/nixseal/trust");
  const memory = join(
    state,
    readdirSync(state).find((name) => name.startsWith("fleet-"))!,
  );
  const other = trustFleet(context);
  other.expect(0, "trust", "init");
  const { payload } = JSON.parse(readFileSync(other.file("trust/root.json"), "utf8")) as { payload: string };
  writeFileSync(memory, JSON.stringify({ krl: null, root: payload, time: null }));
  assert.match(verify("--introduction", introduction), /^4: another root has version 1/);
  // Even together with the root that it names: the introduction has the first word.
  copyFileSync(other.file("trust/root.json"), fleet.file("trust/root.json"));
  commit(issueElsewhere(other, fleet));
  assert.match(verify("--introduction", introduction), /^4: another root has version 1/);
});

/** A certificate by the other fleet's CA for this fleet's alice. */
function issueElsewhere(other: TrustFleet, fleet: TrustFleet): string {
  const rights = 'critical:rights@nixseal={"hosts":["web"],"rights":["commit","policy"],"v":1}';
  const args = ["-q", "-s", other.key("alice"), "-I", "test/alice/7", "-z", "7", "-n", "alice", "-V", "+1h"];
  other.shell("ssh-keygen", [...args, "-O", "clear", "-O", rights, `${fleet.key("alice")}.pub`]);
  return `${fleet.key("alice")}-cert.pub`;
}
