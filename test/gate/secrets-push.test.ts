/** `secrets push` over real sshd to a gate: values change without a system, stay after a boot, and never go back. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { formatMessage } from "../../src/gate/message.ts";
import { formatSecretsEnvelope, parseSecretsEnvelope } from "../../src/gate/secrets/order.ts";
import { top } from "../console.ts";
import { DeployLab, type LabHost } from "../support/deploy-lab.ts";

const agent = join(top, "bin/nixseal-agent");
const settings = `[secrets.db]
hosts = ["*"]
restart = ["db.service"]
[secrets.web]
hosts = ["one"]
[secrets.early]
hosts = ["one"]
stage = "users"
`;

class Pushing {
  readonly lab: DeployLab;
  readonly host: LabHost;

  constructor(lab: DeployLab) {
    this.lab = lab;
    this.host = lab.host("one");
  }

  static async make(context: TestContext): Promise<Pushing> {
    const pushing = new Pushing(await DeployLab.make(context, ["one"], { settings }));
    for (const name of ["db", "web", "early"]) await pushing.set(name, `${name} 1`);
    pushing.boot(await pushing.system("1"));
    return pushing;
  }

  /** As somebody who edits and commits. */
  async set(name: string, value: string): Promise<void> {
    const file = join(this.lab.directory, "value");
    fs.writeFileSync(file, value);
    await this.lab.must("secrets", "set", name, "--from-file", file);
    const author = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
    execFileSync("git", ["-C", this.lab.fleet, "add", "secrets"]);
    execFileSync("git", ["-C", this.lab.fleet, ...author, "commit", "--quiet", "-m", name]);
  }

  /** The manifest of a system that was built now, with its ciphertexts. */
  async system(name: string): Promise<string> {
    const directory = join(this.lab.directory, `system-${name}`);
    fs.cpSync(join(this.lab.fleet, "secrets"), join(directory, "secrets"), { recursive: true });
    const file = join(directory, "manifest.json");
    fs.writeFileSync(file, await this.lab.must("secrets", "manifest", "one"));
    return file;
  }

  /** What a boot, or an activation, does with the secrets. */
  boot(manifest: string): string {
    const { root } = this.host;
    fs.rmSync(join(root, "run/nixseal"), { recursive: true, force: true });
    const words = ["secrets", "install", "--manifest", manifest, "--root", root];
    const { status, stdout, stderr } = spawnSync(agent, words, { encoding: "utf8", timeout: 60_000 });
    assert.equal(status, 0, `${stdout}${stderr}`);
    return stderr;
  }

  push(...words: readonly string[]) {
    return this.lab.run("secrets", "push", "one", "--yes", "-i", this.lab.keyOf("alice"), ...words);
  }

  value(name: string): string {
    return fs.readFileSync(join(this.host.root, "run/nixseal/secrets", name), "utf8");
  }

  /** Tells the root side what somebody who has the deploy key could tell it: the code of the answer. */
  tell(
    order: string,
    ciphertexts: readonly string[],
    change = (bytes: Uint8Array): Uint8Array => bytes,
  ): string {
    const envelope = parseSecretsEnvelope(change(fs.readFileSync(order)));
    const input = formatMessage({
      kind: "secrets",
      order: envelope,
      ciphertexts: ciphertexts.map((file) => fs.readFileSync(file)),
      status: null,
    });
    const words = ["activate", "--root", this.host.root, "--json"];
    const { stdout } = spawnSync(agent, words, { input, encoding: "utf8", timeout: 60_000 });
    const answer = JSON.parse(stdout.trim().split("\n").at(-1)!) as { ok: boolean; code?: string };
    return answer.ok ? "done" : answer.code!;
  }

  get kept(): string[] {
    const directory = join(this.host.root, "var/lib/nixseal/secrets");
    return fs.existsSync(directory) ? fs.readdirSync(directory).filter((name) => name.endsWith(".age")) : [];
  }
}

test("values change without a system, stay after a boot, and a newer system's count", async (context) => {
  const pushing = await Pushing.make(context);
  const first = join(pushing.lab.directory, "system-1/manifest.json");
  const unchanged = await pushing.push();
  assert.deepEqual([unchanged.code, unchanged.stdout], [0, "one: has all values\n"], unchanged.stderr);

  await pushing.set("db", "db 2");
  const old = join(pushing.lab.directory, "old.age");
  fs.copyFileSync(join(pushing.lab.fleet, "secrets/db.age"), old);
  const order = join(pushing.lab.directory, "order.json");
  assert.equal((await pushing.push("--order", order)).code, 0);
  assert.equal(pushing.value("db"), "db 2");
  await pushing.set("db", "db 3");
  const pushed = await pushing.push("--json");
  assert.equal(pushed.code, 0, `${pushed.stdout}${pushed.stderr}`);
  const [said] = (JSON.parse(pushed.stdout) as { hosts: Record<string, unknown>[] }).hosts;
  assert.deepEqual(said, {
    host: "one",
    withSystem: [],
    restart: ["db.service"],
    reload: [],
    problems: [],
    state: "pushed",
    seq: 2,
    secrets: ["db"],
  });
  assert.equal(pushing.value("db"), "db 3");
  assert.equal(pushing.kept.length, 1, "what nothing refers to is removed");
  // The first order once more: the value that it brought would come back.
  assert.equal(pushing.tell(order, [old]), "replayed");
  assert.equal(pushing.value("db"), "db 3");
  assert.equal((await pushing.push()).stdout, "one: has all values\n");
  assert.match(await pushing.lab.must("log", "show"), /secrets\.push/);
  await pushing.lab.must("log", "verify");

  // A boot into the former system, and into one that was built between the two.
  pushing.boot(first);
  assert.equal(pushing.value("db"), "db 3");
  assert.equal(pushing.value("web"), "web 1");
  execFileSync("git", ["-C", pushing.lab.fleet, "checkout", "--quiet", "HEAD~1"]);
  pushing.boot(await pushing.system("between"));
  assert.equal(pushing.value("db"), "db 3", "not behind what it has seen");
  execFileSync("git", ["-C", pushing.lab.fleet, "checkout", "--quiet", "-"]);

  // A newer system brings a newer value; back from it, the pushed one is the newest again.
  await pushing.set("db", "db 4");
  pushing.boot(await pushing.system("newer"));
  assert.equal(pushing.value("db"), "db 4");
  pushing.boot(first);
  assert.equal(pushing.value("db"), "db 3");

  // A list that is damaged keeps no host from its secrets.
  fs.appendFileSync(join(pushing.host.root, "var/lib/nixseal/secrets/pushed.json"), "x");
  assert.match(pushing.boot(first), /values that were pushed are left out/);
  assert.equal(pushing.value("db"), "db 1");
});

test("what no order may do is refused, and nothing stays of it", async (context) => {
  const pushing = await Pushing.make(context);
  const { lab } = pushing;
  const secret = (name: string): string => join(lab.fleet, `secrets/${name}.age`);
  await pushing.set("db", "db 2");
  await pushing.set("web", "web 2");
  // Signed by a member, and not sent, by an ssh that passes everything on but the order.
  const order = join(lab.directory, "order.json");
  const gate = join(pushing.host.root, "etc/nixseal/gate.json");
  const config = fs.readFileSync(gate, "utf8");
  const ssh = join(lab.directory, "bin");
  fs.mkdirSync(ssh);
  fs.writeFileSync(
    join(ssh, "ssh"),
    `#!/bin/sh\ncase "$*" in *"nixseal-gate secrets"*) exit 255 ;; esac\nexec ${execFileSync("which", ["ssh"], { encoding: "utf8" }).trim()} "$@"\n`,
    { mode: 0o755 },
  );
  const path = lab.env["PATH"]!;
  lab.env["PATH"] = `${ssh}:${path}`;
  assert.equal((await pushing.push("--order", order)).code, 2);
  lab.env["PATH"] = path;

  const both = [secret("db"), secret("web")];
  const { root } = pushing.host;
  assert.equal(pushing.tell(order, [secret("db")]), "ciphertext", "too few");
  assert.equal(pushing.tell(order, [secret("web"), secret("db")]), "ciphertext", "exchanged");
  assert.equal(
    pushing.tell(order, both, (bytes) =>
      formatSecretsEnvelope({ ...parseSecretsEnvelope(bytes), signatures: [] }),
    ),
    "threshold",
  );
  fs.writeFileSync(gate, config.replace('"host":"one"', '"host":"two"'));
  assert.equal(pushing.tell(order, both), "wrong-host");
  fs.writeFileSync(gate, config);
  assert.deepEqual(pushing.kept, []);
  assert.equal(pushing.value("db"), "db 1");

  // A value that this host cannot open: it is tried before it counts, and the other of the same order does not count either.
  const identity = join(root, "etc/ssh/ssh_host_ed25519_key");
  const key = fs.readFileSync(identity);
  fs.rmSync(identity);
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", identity]);
  assert.equal(pushing.tell(order, both), "ciphertext");
  fs.writeFileSync(identity, key);
  assert.deepEqual(pushing.kept, []);

  // A system that does not declare one of them, or declares it for the time before users.
  const manifest = join(lab.directory, "system-1/manifest.json");
  const text = fs.readFileSync(manifest, "utf8");
  const declared = JSON.parse(text) as { secrets: { name: string; stage: string }[] };
  const write = (change: typeof declared): void => fs.writeFileSync(manifest, JSON.stringify(change));
  write({ ...declared, secrets: declared.secrets.filter(({ name }) => name !== "web") });
  assert.equal(pushing.tell(order, both), "secret");
  write({ ...declared, secrets: declared.secrets.map((one) => ({ ...one, stage: "users" })) });
  assert.equal(pushing.tell(order, both), "secret");
  fs.writeFileSync(manifest, text);
  assert.deepEqual(pushing.kept, []);

  // Nothing of all this used the order up.
  assert.equal(pushing.tell(order, both), "done");
  assert.deepEqual([pushing.value("db"), pushing.value("web")], ["db 2", "web 2"]);

  // Others may write beside the list: it says nothing any more, and nothing is added to it.
  fs.chmodSync(join(root, "var/lib/nixseal/secrets"), 0o777);
  assert.match(pushing.boot(manifest), /left out/);
  assert.equal(pushing.tell(order, both), "refused");
});
