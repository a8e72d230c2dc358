/** Histories that stock git calls good and that are not, and our verdict beside git's. Debian: git, openssh-client. */
import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { test, type TestContext } from "node:test";
import { History } from "../../../test/support/git-history.ts";

const end = "-----END SSH SIGNATURE-----";

/** A history of one good commit by alice, and the same commit changed. */
function changed(context: TestContext, change: (body: string) => string) {
  const history = new History(context);
  const good = history.commit("good", { key: "alice", files: { a: "1" } });
  const signers = history.line("alice", "alice");
  const body = history.body(good);
  assert.notEqual(change(body), body);
  const id = history.store(change(body));
  assert.notEqual(id, good);
  return { history, signers, id, good };
}

for (const [name, change, code] of [
  [
    "a line behind the signature's end",
    (body: string) => body.replace(end, `${end}\n junk`),
    "malformed-signature",
  ],
  [
    "an empty line behind the signature's end",
    (body: string) => body.replace(end, `${end}\n `),
    "malformed-signature",
  ],
  [
    "a header gpgsig-evil",
    (body: string) => body.replace("gpgsig ", "gpgsig-evil x\ngpgsig "),
    "extra-signature",
  ],
  [
    "an unverified gpgsig-sha256",
    (body: string) => body.replace("\n\n", "\ngpgsig-sha256 x\n y\n\n"),
    "extra-signature",
  ],
  [
    "a second gpgsig",
    (body: string) => body.replace("\n\n", "\ngpgsig -----BEGIN SSH SIGNATURE-----\n x\n\n"),
    "extra-signature",
  ],
] as const) {
  test(`${name} makes another commit id, which git accepts`, async (t) => {
    const { history, signers, id, good } = changed(t, change);
    assert.equal(history.stockAccepts(id, signers), true);
    assert.deepEqual(await history.bySigners([id], signers), { accepted: 0, refused: [[id, code]] });
    assert.deepEqual(await history.bySigners([good], signers), { accepted: 1, refused: [] });
  });
}

test("a commit dated back to when its key was good", async (t) => {
  const history = new History(t);
  const signers = history.line("alice", "alice", 'valid-before="20200101Z"');
  const id = history.commit("late", { key: "alice", date: "2019-06-01T00:00:00Z" });
  assert.equal(history.stockAccepts(id, signers), true);
  assert.deepEqual(await history.bySigners(["HEAD"], signers), { accepted: 0, refused: [[id, "expired"]] });
});

test("a commit that brings its signer along, in a repository that is configured to believe it", async (t) => {
  const history = new History(t);
  history.git("config", "gpg.ssh.allowedSignersFile", join(history.directory, "allowed_signers"));
  const own = history.line("mallory", "mallory");
  const id = history.commit("me too", { key: "mallory", files: { allowed_signers: own } });
  assert.equal(history.try(["verify-commit", id]).status, 0);
  const pinned = history.line("alice", "alice");
  assert.deepEqual(await history.bySigners(["HEAD"], pinned), {
    accepted: 0,
    refused: [[id, "unknown-signer"]],
  });
});

test("a repository that names its own verifier", async (t) => {
  const history = new History(t);
  const answer = 'Good "git" signature for alice with ED25519 key SHA256:x';
  history.keys.write(
    "yes",
    `#!/bin/sh\ncase $2 in find-principals) echo alice;; *) cat > /dev/null; echo '${answer}';; esac\n`,
  );
  const id = history.commit("mine", { key: "mallory" });
  const program = history.keys.path("yes");
  chmodSync(program, 0o755);
  history.git("config", "gpg.ssh.program", program);
  const signers = history.line("alice", "alice");
  assert.equal(history.stockAccepts(id, signers), true);
  assert.deepEqual(await history.bySigners(["HEAD"], signers), {
    accepted: 0,
    refused: [[id, "unknown-signer"]],
  });
});

test("a certificate for another purpose: a critical option that nobody reads", async (t) => {
  const history = new History(t);
  history.keys.key("ca");
  const make = (...options: string[]) =>
    history.keys.run(["-q", "-s", "ca", "-I", "id", "-n", "alice", "-V", "+1d", ...options, "alice.pub"]);
  const signers = history.line("*", "ca", "cert-authority");
  const sign = {
    configuration: ["-c", "gpg.format=ssh", "-c", `user.signingkey=${history.keys.path("alice-cert.pub")}`],
  };
  history.keys.write("alice-cert", history.keys.text("alice"));
  make();
  const good = history.commit("good", sign);
  make("-O", `critical:rights@nixseal={"hosts":[],"rights":["upload"],"v":1}`);
  const upload = history.commit("upload", sign);
  make("-O", `critical:rights@nixseal={"hosts":[],"rights":["commit"],"v":1}`);
  history.commit("member", sign);
  make("-O", "critical:only-backups@example.org=yes");
  const id = history.commit("bad", sign);
  assert.deepEqual(
    [good, upload, id].map((one) => history.stockAccepts(one, signers)),
    [true, true, true],
  );
  assert.deepEqual(await history.bySigners(["HEAD"], signers), {
    accepted: 2,
    refused: [
      [id, "critical-option"],
      [upload, "right"],
    ],
  });
});

test("another object shown in a commit's place", async (t) => {
  const history = new History(t);
  const id = history.commit("unsigned", { files: { a: "evil" } });
  const signers = history.line("alice", "alice");
  history.git("checkout", "-q", "--orphan", "other");
  const good = history.commit("good", { key: "alice", files: { a: "good" } });
  history.git("replace", id, good);
  assert.equal(history.stockAccepts(id, signers), true);
  assert.deepEqual(await history.bySigners([id], signers), { accepted: 0, refused: [[id, "replaced"]] });
  history.git("replace", "-d", id);
  assert.deepEqual(await history.bySigners([id], signers), { accepted: 0, refused: [[id, "unsigned"]] });
});

test("grafts and shallow clones hide what came before", async (t) => {
  const history = new History(t);
  const signers = history.line("alice", "alice");
  history.commit("unsigned");
  const id = history.commit("good", { key: "alice" });
  const grafts = join(history.directory, ".git/info/grafts");
  writeFileSync(grafts, `${id}\n`);
  assert.equal(history.git("log", "--format=%H"), id);
  assert.deepEqual(await history.bySigners(["HEAD"], signers), { accepted: 0, refused: [[id, "graft"]] });
  writeFileSync(grafts, "");
  writeFileSync(join(history.directory, ".git/shallow"), `${id}\n`);
  assert.equal(history.git("log", "--format=%H"), id);
  assert.deepEqual(await history.bySigners(["HEAD"], signers), { accepted: 0, refused: [[id, "shallow"]] });
});

test("a commit-graph file that lies about parents", async (t) => {
  const history = new History(t);
  const signers = history.line("alice", "alice");
  const evil = history.commit("unsigned");
  history.commit("good", { key: "alice" });
  history.git("commit-graph", "write", "--reachable");
  assert.deepEqual(await history.bySigners(["HEAD"], signers), {
    accepted: 1,
    refused: [[evil, "unsigned"]],
  });
});

test("other content under a good commit's id, in a copied repository", async (t) => {
  const history = new History(t);
  const signers = history.line("alice", "alice");
  const signed = history.commit("signed", { key: "alice" });
  const id = history.commit("unsigned");
  const body = Buffer.from(history.body(signed), "latin1");
  const path = join(history.directory, ".git/objects", id.slice(0, 2), id.slice(2));
  chmodSync(path, 0o644);
  writeFileSync(path, deflateSync(Buffer.concat([Buffer.from(`commit ${body.length}\0`), body])));
  const file = history.keys.write("allowed_signers", signers);
  const log = ["-c", `gpg.ssh.allowedSignersFile=${file}`, "log", "-1", "--format=%G?", id];
  assert.equal(history.git(...log), "G");
  assert.deepEqual(await history.bySigners([id], signers), { accepted: 0, refused: [[id, "object-id"]] });
});

test("a good tag under another name", async (t) => {
  const history = new History(t);
  const signers = history.line("alice", "alice");
  history.commit("good", { key: "alice" });
  history.git(...history.signing("alice"), "tag", "-s", "-m", "old", "v1");
  history.git("update-ref", "refs/tags/v2", history.id("v1"));
  const file = history.keys.write("allowed_signers", signers);
  assert.equal(history.try(["-c", `gpg.ssh.allowedSignersFile=${file}`, "verify-tag", "v2"]).status, 0);
  assert.deepEqual(await history.bySigners(["v1"], signers), { accepted: 1, refused: [] });
  assert.deepEqual(await history.bySigners(["v2"], signers), {
    accepted: 1,
    refused: [[history.id("v1"), "tag"]],
  });
  history.git("tag", "-a", "-m", "unsigned", "v3");
  assert.deepEqual(await history.bySigners(["v3"], signers), {
    accepted: 1,
    refused: [[history.id("v3"), "unsigned"]],
  });
});
