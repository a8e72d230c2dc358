import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryDirectory } from "../../test/support/temporary.ts";

const agent = fileURLToPath(new URL("../../../bin/nixseal-agent", import.meta.url));
const plain = { ...process.env };
for (const name of ["NIXOS_ACTION", "INVOCATION_ID"]) delete plain[name];

function run(words: readonly string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [agent, ...words], {
    encoding: "utf8",
    env: { ...plain, ...env },
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}

/** A root with a host key, and a manifest of secrets that stock age encrypted to it. */
function host(t: TestContext, values: Readonly<Record<string, string>>) {
  const directory = temporaryDirectory(t);
  const root = join(directory, "root");
  const key = join(root, "etc/ssh/ssh_host_ed25519_key");
  mkdirSync(join(root, "etc/ssh"), { recursive: true });
  mkdirSync(join(directory, "secrets"));
  assert.equal(spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]).status, 0);
  const secrets = Object.entries(values).map(([name, value]) => {
    const source = `secrets/${name}.age`;
    const path = join(directory, source);
    const made = spawnSync("age", ["-a", "-R", `${key}.pub`, "-o", path], { input: value });
    assert.equal(made.status, 0);
    return {
      credential: null,
      digest: createHash("sha256").update(readFileSync(path)).digest("hex"),
      group: String(process.getgid!()),
      mode: "0400",
      name,
      owner: String(process.getuid!()),
      path: `/run/nixseal/secrets/${name}`,
      reload: [],
      restart: [],
      source,
      stage: "default",
      together: null,
    };
  });
  const manifest = join(directory, "manifest.json");
  const document = { host: "web1", identities: ["/etc/ssh/ssh_host_ed25519_key"], secrets, version: 1 };
  writeFileSync(manifest, `${JSON.stringify(document)}\n`);
  return {
    directory,
    root,
    key,
    manifest,
    install: ["secrets", "install", "--manifest", manifest, "--root", root],
  };
}

test("what stock age encrypted to a host key is installed, and only with that key", (t) => {
  const { root, key, manifest, install } = host(t, { a: "one\n", b: "" });
  assert.equal(run(["secrets", "check", "--manifest", manifest]).status, 0);
  const dry = run([...install, "--dry-run"]);
  assert.equal(dry.status, 0, dry.stderr);
  assert.match(dry.stdout, /would install/);
  const done = run([...install, "--json"]);
  assert.equal(done.status, 0, done.stderr);
  const report = JSON.parse(done.stdout) as { generation: number };
  assert.equal(report.generation, 1);
  assert.equal(readFileSync(join(root, "run/nixseal/secrets/a"), "utf8"), "one\n");
  assert.equal(readFileSync(join(root, "run/nixseal/secrets/b"), "utf8"), "");

  assert.equal(spawnSync("rm", [key]).status, 0);
  assert.equal(spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]).status, 0);
  const stranger = run(install);
  assert.equal(stranger.status, 3);
  assert.match(stranger.stderr, /secret 'a' failed \(refused\)/);
  assert.equal(readFileSync(join(root, "run/nixseal/secrets/a"), "utf8"), "one\n", "the last good value");
  const verdict = run(["secrets", "verify", "a", "--root", root]);
  assert.equal(verdict.status, 1);
  assert.match(verdict.stderr, /secret 'a' was not installed \(refused\)[\s\S]*last good value stays/);
});

test("a damaged ciphertext is found at build time, and fails alone at install time", (t) => {
  const { directory, root, manifest, install } = host(t, { a: "one", b: "two" });
  writeFileSync(join(directory, "secrets/b.age"), "not what was meant");
  const check = run(["secrets", "check", "--manifest", manifest, "--json"]);
  assert.equal(check.status, 1);
  const { findings } = JSON.parse(check.stdout) as { findings: { secret: string; code: string }[] };
  assert.deepEqual(
    findings.map(({ secret, code }) => `${secret} ${code}`),
    ["b refused"],
  );
  assert.equal(run(install).status, 3);
  assert.equal(readFileSync(join(root, "run/nixseal/secrets/a"), "utf8"), "one");
  assert.equal(run(["secrets", "verify", "a", "--root", root]).status, 0);
  assert.equal(run(["secrets", "verify", "b", "--root", root]).status, 1);
});

test("a plaintext that was committed by mistake is named at build time", (t) => {
  const { directory, manifest } = host(t, { a: "one" });
  writeFileSync(join(directory, "secrets/a.age"), "hunter2");
  const digest = createHash("sha256").update("hunter2").digest("hex");
  const text = readFileSync(manifest, "utf8").replace(/"digest":"[0-9a-f]{64}"/, `"digest":"${digest}"`);
  writeFileSync(manifest, text);
  const { status, stderr, stdout } = run(["secrets", "check", "--manifest", manifest]);
  assert.equal(status, 1);
  assert.match(stderr, /not an age file/);
  assert.doesNotMatch(stderr + stdout, /hunter2/);
});

test("exit codes: 2 for an unusable manifest, 4 for identities that cannot be trusted", (t) => {
  const { directory, key, install, root } = host(t, { a: "one" });
  const broken = join(directory, "broken.json");
  writeFileSync(broken, '{"host":"web1","version":1}');
  const bad = run(["secrets", "install", "--manifest", broken, "--root", root, "--json"]);
  assert.equal(bad.status, 2);
  const error = JSON.parse(bad.stdout) as { code: string; message: string; where: { file: string } };
  assert.deepEqual([error.code, error.where.file], ["config", broken]);
  assert.match(error.message, /^\$: key 'identities' is missing/);
  assert.equal(run(["secrets", "install", "--manifest", join(directory, "none.json")]).status, 2);
  assert.equal(spawnSync("chmod", ["0660", key]).status, 0);
  const open = run(install);
  assert.equal(open.status, 4);
  assert.match(open.stderr, /can write this private key\n {2}hint: chown root/);
  assert.equal(spawnSync("chmod", ["0600", key]).status, 0);
  assert.equal(spawnSync("chmod", ["0777", root]).status, 0);
  assert.equal(run(install).status, 4);
});

test("a dry activation is a dry run, by the environment alone", (t) => {
  const { root, install } = host(t, { a: "one" });
  const { status, stdout } = run(install, { NIXOS_ACTION: "dry-activate" });
  assert.equal(status, 0);
  assert.match(stdout, /would install/);
  assert.equal(spawnSync("ls", [join(root, "run/nixseal")]).status, 2);
});

test("help, version and what was probably meant", () => {
  assert.match(run(["--version"]).stdout, /^nixseal-agent \d+\.\d+\.\d+\n$/);
  for (const words of [["--help"], ["secrets", "--help"]]) {
    const { status, stdout } = run(words);
    assert.equal(status, 0);
    assert.match(stdout, /secrets install/);
  }
  const help = run(["secrets", "install", "--help"]);
  assert.equal(help.status, 0);
  for (const part of [
    "--manifest FILE",
    "--root DIR",
    "for example:",
    "exit codes: 0 done, 3",
    "4 an identity",
  ])
    assert.ok(help.stdout.includes(part), part);
  const wrong: [words: string[], hint: RegExp][] = [
    [["secret"], /did you mean 'secrets'/],
    [["secrets", "instal"], /did you mean 'install'/],
    [["secrets", "install", "--manifst", "x"], /did you mean '--manifest'/],
    [["secrets", "install", "--manifest", "x", "--stage", "user"], /did you mean 'users'/],
    [["secrets", "install"], /--manifest is missing/],
    [["secrets", "install", "--manifest"], /--manifest needs a value/],
    [["secrets", "install", "--manifest", "x", "--manifest", "y"], /given twice/],
    [["secrets", "install", "--manifest", "x", "y"], /unexpected argument 'y'/],
    [["secrets", "install", "--manifest", "x", "--dry-run=1"], /takes no value/],
    [["secrets", "verify"], /NAME is missing/],
    [["secrets", "verify", "../x"], /expected a name/],
    [["secrets", "verify", "a\u001b[2J\u0007"], /^(?:\P{Cc}|\n)*$/u],
  ];
  for (const [words, hint] of wrong) {
    const { status, stderr } = run(words);
    assert.equal(status, 2, words.join(" "));
    assert.match(stderr, hint, words.join(" "));
  }
  assert.equal(run([]).status, 2);
});
