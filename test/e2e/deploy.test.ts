/** Deployments to gates that are real but for the machine below them (see test/support/deploy-lab.ts). */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { digestOf, formatEntry, parseEntry } from "../../src/log/entry.ts";
import { DeployLab, type LabHost } from "../support/deploy-lab.ts";

interface Report {
  readonly ended: { readonly how: string; readonly reason: string } | null;
  readonly hosts: readonly { readonly host: string; readonly outcome: string; readonly message: string }[];
}

const isAt = (host: LabHost, system: string): void =>
  assert.deepEqual([host.running(), host.boots()], [system, system], host.name);

test("from a built system to a host that runs it, and once more with nothing to do", async (t) => {
  const lab = await DeployLab.make(t, ["web"]);
  const web = lab.host("web");
  const system = lab.system("one");
  const done = await lab.deploy("web", "--toplevel", `web=${system}`);
  assert.equal(done.code, 0, done.stderr + done.stdout);
  assert.match(done.stdout, /web +done +runs it/);
  isAt(web, system);
  const [calls, connections] = [web.log(), web.connections()];

  const again = await lab.deploy("web", "--toplevel", `web=${system}`, "--json");
  assert.equal(again.code, 0, again.stderr + again.stdout);
  const { hosts } = JSON.parse(again.stdout) as Report;
  assert.deepEqual(hosts, [{ host: "web", outcome: "done", message: "runs it already" }]);
  assert.deepEqual(web.log(), calls);
  assert.ok(web.connections() - connections <= 2, "the plan asks, and the rollout");
  assert.match(await lab.must("log", "verify"), /sound: .*, 1 of 1 witnesses agree/);
  const shown = await lab.must("log", "show");
  for (const what of ["deploy.apply", "host.done", "deploy.end"]) assert.ok(shown.includes(what), shown);
  assert.equal(fs.readdirSync(join(lab.fleet, "receipts/web")).length, 1, "what the host signed is kept");
  const status = await lab.must("deploy", "status", "--identity", lab.keyOf("alice"));
  assert.match(status, /web +current +1 +\/nix\/store/);
  assert.match(await lab.must("deploy", "watch", "--once"), /web +done/);
});

test("a log that its keeper wrote anew, or cut short, is found out by the receipts of hosts", async (t) => {
  const lab = await DeployLab.make(t, ["web"], { gate: { confirm: null } });
  for (const name of ["one", "two"])
    assert.equal((await lab.deploy("web", "--toplevel", lab.system(name))).code, 0);
  const receipts = join(lab.host("web").root, "var/lib/nixseal/gate/receipts");
  const verify = ["log", "verify", "--receipt", receipts];
  assert.match(await lab.must(...verify), /sound/);
  const file = join(lab.directory, "state/log%0000000001");
  const whole = fs.readFileSync(file, "utf8");
  const lines = whole.trimEnd().split("\n");
  fs.writeFileSync(file, `${lines.slice(0, 2).join("\n")}\n`);
  const cut = await lab.run(...verify);
  assert.equal(cut.code, 1);
  assert.match(cut.stdout, /truncated +the receipt of web/);
  // All of it anew, with another machine in the first entry: the chain holds, the hosts do not agree.
  let prev: string | null = null;
  const anew = lines.map((line) => {
    const entry = { ...parseEntry(line), prev };
    const text = formatEntry({ ...entry, by: { member: null, machine: "nobody@nowhere" } });
    prev = digestOf(text);
    return text;
  });
  fs.writeFileSync(file, `${anew.join("\n")}\n`);
  const rewritten = await lab.run(...verify);
  assert.equal(rewritten.code, 1);
  assert.match(rewritten.stdout, /rewritten +the receipt of web/);
});

test("a host that does not do its work goes back by itself, the canary's failure spares the others", async (t) => {
  const lab = await DeployLab.make(t, ["web1", "web2"], {
    settings: '[deploy]\n[[deploy.checks]]\ncommand = ["./check", "{host}"]\n',
  });
  fs.writeFileSync(
    join(lab.fleet, "check"),
    `#!/bin/sh\n[ ! -e ${lab.directory}/$1/sick ] || { echo "$1 is sick" >&2; exit 1; }\n`,
    { mode: 0o755 },
  );
  const [web1, web2] = [lab.host("web1"), lab.host("web2")];
  const first = web1.running();
  fs.writeFileSync(join(web1.root, "sick"), "");
  const system = lab.system("bad");
  const bad = await lab.deploy(
    "web*",
    "--toplevel",
    `web1=${system}`,
    "--toplevel",
    `web2=${system}`,
    "--json",
  );
  assert.equal(bad.code, 3, bad.stderr + bad.stdout);
  const report = JSON.parse(bad.stdout) as Report;
  assert.deepEqual(
    report.hosts.map(({ host, outcome }) => [host, outcome]),
    [
      ["web1", "failed"],
      ["web2", "untouched"],
    ],
  );
  assert.match(report.hosts[0]!.message, /web1 is sick/);
  assert.equal(report.ended?.how, "stop");
  for (const host of [web1, web2]) isAt(host, first);
  assert.deepEqual(web2.log(), []);

  fs.rmSync(join(web1.root, "sick"));
  const good = await lab.deploy(
    "web*",
    "--toplevel",
    `web1=${lab.system("good")}`,
    "--toplevel",
    `web2=${lab.system("good")}`,
  );
  assert.equal(good.code, 0, good.stderr + good.stdout);
  for (const host of [web1, web2]) isAt(host, lab.system("good"));
});

test("a network that the new system cuts off: the host returns by itself, and the report says so", async (t) => {
  const lab = await DeployLab.make(t, ["web"], { gate: { confirm: { within: 5 } } });
  const web = lab.host("web");
  const first = web.running();
  // The former system's script, when it is activated again, brings the network back.
  fs.writeFileSync(join(web.root, first, "uncut"), "");
  const ended = await lab.deploy("web", "--toplevel", `web=${lab.system("cut-off", { cut: "" })}`, "--json");
  assert.equal(ended.code, 3, ended.stdout + ended.stderr);
  const [host] = (JSON.parse(ended.stdout) as Report).hosts;
  assert.equal(host!.outcome, "failed");
  assert.match(host!.message, /former system/);
  isAt(web, first);
});

test("a changed host key is refused with both fingerprints, an offline host does not hold up the others", async (t) => {
  const lab = await DeployLab.make(t, ["web1", "web2", "web3"]);
  const toml = join(lab.fleet, "fleet.toml");
  const key = (name: string): string =>
    fs.readFileSync(join(lab.directory, name, "etc/ssh/ssh_host_ed25519_key.pub"), "utf8").trim();
  const changed = fs.readFileSync(toml, "utf8").replace(key("web1"), key("web3"));
  fs.writeFileSync(toml, changed.replace(/(\[hosts\.web2\]\naddress = "127\.0\.0\.1"\nport = )\d+/, "$11"));
  const system = lab.system("one");
  const words = ["web1", "web2", "web3"].flatMap((name) => ["--toplevel", `${name}=${system}`]);
  const ended = await lab.deploy("*", ...words, "--canary", "0", "--failures", "9", "--json");
  assert.equal(ended.code, 3, ended.stderr);
  const outcomes = Object.fromEntries(
    (JSON.parse(ended.stdout) as Report).hosts.map((one) => [one.host, one]),
  );
  assert.equal(outcomes["web1"]!.outcome, "failed");
  assert.match(outcomes["web1"]!.message, /not the pinned one: found SHA256:.*pinned SHA256:/);
  assert.equal(outcomes["web2"]!.outcome, "offline");
  assert.equal(outcomes["web3"]!.outcome, "done");
});

test("two operators at once: one of them is told who has the host, and nothing is interleaved", async (t) => {
  const lab = await DeployLab.make(t, ["web"]);
  const web = lab.host("web");
  const systems = [lab.system("left"), lab.system("right")];
  const plans = systems.map((_, index) => join(lab.directory, `plan${index}.json`));
  for (const [index, system] of systems.entries()) {
    const words = [
      "deploy",
      "plan",
      "web",
      "--identity",
      lab.keyOf("alice"),
      "--store",
      lab.builder.directory,
    ];
    await lab.must(...words, "--toplevel", `web=${system}`, "--out", plans[index]!);
    await lab.must("warrant", "sign", `warrants/web/000${index + 1}.json`, "--yes");
  }
  const ended = await Promise.all(
    plans.map((plan) => lab.run("deploy", "apply", ...lab.usual, plan, "--json")),
  );
  const reports = ended.map(({ stdout }) => (JSON.parse(stdout) as Report).hosts[0]!);
  assert.ok(reports.some(({ outcome }) => outcome === "done"));
  for (const { outcome, message } of reports)
    if (outcome !== "done") assert.match(message, /is held by|sequence|seq|replay|order|not the next|newer/i);
  // Each system that was begun was brought to its end before another one was.
  const begun = web.log().map((line) => line.split(" ")[1]!);
  assert.deepEqual(
    begun,
    begun.toSorted((a, b) => begun.indexOf(a) - begun.indexOf(b)),
  );
  assert.equal(web.running(), web.boots());
});

test("a plan that others signed is applied as it was planned, and not when its order was replaced", async (t) => {
  const lab = await DeployLab.make(t, ["web"]);
  const plan = join(lab.directory, "plan.json");
  const words = ["deploy", "plan", "web", "--identity", lab.keyOf("alice"), "--store", lab.builder.directory];
  const shown = await lab.must(...words, "--toplevel", lab.system("one"), "--out", plan);
  assert.match(shown, /web +switch +\/nix\/store\/.*-nixos-system-one/);
  await lab.must("warrant", "sign", "warrants/web/0001.json", "--key", lab.keyOf("bob"), "--yes");
  const kept = fs.readFileSync(join(lab.fleet, "warrants/web/0001.json"));
  const done = await lab.run("deploy", "apply", ...lab.usual, plan);
  assert.equal(done.code, 0, done.stderr + done.stdout);
  assert.deepEqual(
    fs.readFileSync(join(lab.fleet, "warrants/web/0001.json")),
    kept,
    "one signature is enough",
  );
  isAt(lab.host("web"), lab.system("one"));

  await lab.must(...words, "--toplevel", lab.system("two"), "--out", plan);
  await lab.must(...words, "--toplevel", lab.system("three")); // takes the place of the unsigned one
  const refused = await lab.run("deploy", "apply", ...lab.usual, plan);
  assert.equal(refused.code, 4, refused.stdout + refused.stderr);
  assert.match(refused.stderr, /is not the order that was planned/);
});

test("back to what ran before, by an order of its own", async (t) => {
  const lab = await DeployLab.make(t, ["web"]);
  const web = lab.host("web");
  for (const name of ["one", "two"])
    assert.equal((await lab.deploy("web", "--toplevel", lab.system(name))).code, 0);
  isAt(web, lab.system("two"));
  const back = await lab.run("deploy", "rollback", "web", "--yes", "--identity", lab.keyOf("alice"));
  assert.equal(back.code, 0, back.stderr + back.stdout);
  isAt(web, lab.system("one"));
  assert.deepEqual(fs.readdirSync(join(lab.fleet, "warrants/web")), ["0001.json", "0002.json", "0003.json"]);
});

test("on_failure = revert: the hosts that are done go back too, by orders of their own", async (t) => {
  const lab = await DeployLab.make(t, ["new", "web1", "web2"], { gate: { confirm: { within: 5 } } });
  for (const name of ["web1", "web2"])
    assert.equal((await lab.deploy(name, "--toplevel", lab.system("one"))).code, 0);
  const [web1, web2] = [lab.host("web1"), lab.host("web2")];
  fs.writeFileSync(join(web2.root, lab.system("one"), "uncut"), "");
  const words = [
    "--toplevel",
    `new=${lab.system("two")}`,
    "--toplevel",
    `web1=${lab.system("two")}`,
    "--toplevel",
    `web2=${lab.system("bad", { cut: "" })}`,
  ];
  const ended = await lab.deploy("*", ...words, "--wave", "34", "--on-failure", "revert", "--json");
  assert.equal(ended.code, 3, ended.stderr + ended.stdout);
  const report = JSON.parse(ended.stdout) as Report;
  assert.deepEqual(
    report.hosts.map(({ host, outcome }) => [host, outcome]),
    [
      ["new", "failed"], // it has no former order, which keeps nobody else from going back
      ["web1", "reverted"],
      ["web2", "failed"],
    ],
  );
  for (const host of [web1, web2]) isAt(host, lab.system("one"));
});

test("a commit that nobody may have signed, or a change that nobody has, is not deployed", async (t) => {
  const lab = await DeployLab.make(t, ["web"]);
  const system = lab.system("one");
  const git = (...words: string[]): void => {
    const who = [
      "-c",
      "user.name=alice",
      "-c",
      "user.email=alice@example.org",
      "-c",
      "gpg.format=ssh",
      "-c",
      `user.signingkey=${lab.keyOf("alice")}`,
    ];
    execFileSync("git", ["-C", lab.fleet, ...who, ...words], { env: lab.env, stdio: "pipe" });
  };
  const signers = join(lab.directory, "allowed_signers");
  fs.writeFileSync(signers, `alice@example.org ${fs.readFileSync(`${lab.keyOf("alice")}.pub`, "utf8")}`);
  git("add", "--all");
  git("commit", "--quiet", "-S", "-m", "the fleet");
  const words = ["web", "--toplevel", system, "--signers", signers];
  assert.equal((await lab.deploy(...words)).code, 0);
  const again = await lab.deploy(...words);
  assert.equal(again.code, 0, again.stderr); // orders and receipts are no change that a system is built from

  fs.writeFileSync(join(lab.fleet, "new.nix"), "{ }");
  const dirty = await lab.deploy(...words);
  assert.equal(dirty.code, 4, dirty.stderr);
  assert.match(dirty.stderr, /changes that nobody has signed/);
  git("add", "--all");
  git("commit", "--quiet", "--no-gpg-sign", "-m", "not signed");
  const unsigned = await lab.deploy(...words);
  assert.equal(unsigned.code, 4, unsigned.stderr);
  assert.match(unsigned.stderr, /1 of 2 commits are not accepted/);
});
