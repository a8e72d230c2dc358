/** Hosts that fetch the fleet's repository and judge its commits themselves (Debian: git, util-linux). */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DeployLab } from "../support/deploy-lab.ts";
import { configurePull, order, pullingGate, runAgent } from "../support/pulling-host.ts";

test("an order counts when every commit does; force-pushes and unsigned tips are refused and block nothing", async (t) => {
  const lab = await DeployLab.make(t, ["web"], { gate: pullingGate });
  const web = lab.host("web");
  const first = web.running();
  const origin = join(lab.directory, "origin.git");
  const git = (...words: string[]): string =>
    execFileSync("git", ["-C", lab.fleet, ...words], {
      encoding: "utf8",
      env: { ...lab.env, GIT_CONFIG_GLOBAL: "/dev/null" },
      stdio: ["ignore", "pipe", "pipe"],
    }).trim();
  for (const [name, value] of [
    ["user.name", "Alice"],
    ["user.email", "alice@example.org"],
    ["gpg.format", "ssh"],
    ["user.signingkey", `${lab.keyOf("alice")}.pub`],
  ] as const)
    git("config", name, value);
  execFileSync("git", ["init", "--quiet", "--bare", origin]);
  const key = fs.readFileSync(`${lab.keyOf("alice")}.pub`, "utf8").trim();
  fs.writeFileSync(
    join(lab.fleet, "trust/policy.toml"),
    `version = 1\nthreshold = 1\n[members.alice]\nkeys = ["${key}"]\nrights = ["commit", "merge", "policy"]\npaths = ["**"]\n`,
  );
  const commit = (message: string, sign = "-S"): string => {
    git("add", "-A");
    git("commit", "--quiet", "--allow-empty", sign, "-m", message);
    return git("rev-parse", "HEAD");
  };
  const push = (): string => git("push", "--quiet", "--force", origin, "HEAD:refs/heads/main");
  const introduction = commit("the policy");
  configurePull(
    lab,
    "web",
    { kind: "git", url: origin, branch: "main", introduction, directory: "." },
    { cache: "/srv/cache" },
  );
  const publish = async (name: string): Promise<string> => {
    const system = await order(lab, "web", name);
    const cache = join(web.root, "srv/cache");
    lab.builder.run("nix", ["copy", "--no-check-sigs", "--to", `file://${cache}?compression=gzip`, system]);
    return system;
  };

  const one = await publish("one");
  const good = commit("order 1");
  push();
  const done = await runAgent(lab, "web", "pull");
  assert.equal(done.code, 0, done.stderr);
  assert.equal(web.running(), one);
  assert.match((await runAgent(lab, "web", "pull")).stdout, /^nothing-new/);

  const two = await publish("two");
  commit("order 2, by nobody", "--no-gpg-sign");
  push();
  const unsigned = await runAgent(lab, "web", "pull");
  assert.equal(unsigned.code, 4, unsigned.stderr);
  assert.match(unsigned.stderr, /1 commits are not accepted: [0-9a-f]{12} /);
  assert.equal(web.running(), one);

  git("reset", "--quiet", "--soft", good);
  commit("order 2");
  push();
  const signed = await runAgent(lab, "web", "pull");
  assert.equal(signed.code, 0, signed.stderr);
  assert.equal(web.running(), two);
  const kept = git("rev-parse", "HEAD");

  git("reset", "--quiet", "--hard", good);
  commit("another history");
  push();
  const forced = await runAgent(lab, "web", "pull");
  assert.equal(forced.code, 4, forced.stderr);
  assert.match(forced.stderr, /does not descend from/);

  git("reset", "--quiet", "--hard", kept);
  const three = await publish("three");
  commit("order 3");
  push();
  const back = await runAgent(lab, "web", "pull");
  assert.equal(back.code, 0, back.stderr);
  assert.equal(web.running(), three);
  assert.notEqual(first, three);

  // An order for a group that the repository's root puts the host into.
  await lab.must("trust", "rotate", "--group", "edge=tag:all");
  const four = lab.system("four");
  const store = ["--store", lab.builder.directory];
  lab.builder.run("nix", [
    "copy",
    "--no-check-sigs",
    "--to",
    `file://${web.root}/srv/cache?compression=gzip`,
    four,
  ]);
  await lab.must("warrant", "create", "--group", "edge", "--toplevel", four, ...store);
  await lab.must("warrant", "sign", "warrants/@edge/0001.json", "--yes");
  commit("order 1 of the group");
  push();
  const grouped = await runAgent(lab, "web", "pull");
  assert.equal(grouped.code, 0, grouped.stderr);
  assert.equal(web.running(), four);

  fs.renameSync(origin, `${origin}.gone`);
  const gone = await runAgent(lab, "web", "pull");
  assert.equal(gone.code, 2, gone.stdout);
  assert.match((await runAgent(lab, "web", "pull")).stdout, /^waiting/);
});
