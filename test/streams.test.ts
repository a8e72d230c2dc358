/** What the programs say and end with when a standard stream fails, is a directory or goes away. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { top } from "./console.ts";
import { nixseal, testFleet } from "./support/fleet.ts";
import { InstallHost } from "./support/install-host.ts";

const agent = join(top, "bin/nixseal-agent");

const declared = `[secrets.one]
hosts = ["web"]
`;

function descriptor(context: TestContext, path: string, flags: string): number {
  const opened = openSync(path, flags);
  context.after(() => closeSync(opened));
  return opened;
}

/** The exit code of what writes into a pipe whose reader is gone already. */
function lateReader(writer: string): string {
  return `${writer} | { exec 0<&-; }; exit "\${PIPESTATUS[0]}"`;
}

test("a directory or a descriptor that cannot be read on stdin is an error, never an empty value", (context) => {
  const fleet = testFleet(context, declared);
  assert.equal(fleet.run(["secrets", "set", "one"], "good").code, 0);
  const before = readFileSync(fleet.file("secrets/one.age"));
  const bad = [
    descriptor(context, fleet.directory, "r"),
    descriptor(context, join(fleet.directory, "write-only"), "w"),
  ];
  for (const stdin of bad) {
    const { status, stdout } = spawnSync(nixseal, ["secrets", "set", "one", "--json"], {
      cwd: fleet.directory,
      env: fleet.env,
      stdio: [stdin, "pipe", "pipe"],
      encoding: "utf8",
    });
    assert.equal(status, 2, stdout);
    assert.equal((JSON.parse(stdout) as { code: string }).code, "io");
  }
  assert.deepEqual(readFileSync(fleet.file("secrets/one.age")), before);
});

test("an empty value is stored as it is, with a warning: the program before the pipe may have failed", (context) => {
  const fleet = testFleet(context, declared);
  const { code, stderr } = fleet.run(["secrets", "set", "one"]);
  assert.equal(code, 0);
  assert.match(stderr, /^warning: the value is empty$/m);
  assert.equal(fleet.run(["secrets", "get", "one"]).stdout, "");
});

test("a full disk behind stdout is told on stderr, with and without --json, and is not done", (context) => {
  const fleet = testFleet(context, declared);
  const full = descriptor(context, "/dev/full", "w");
  for (const words of [["secrets", "list"], ["secrets", "list", "--json"], ["nope", "--json"], ["--help"]]) {
    const { status, stderr } = spawnSync(nixseal, words, {
      cwd: fleet.directory,
      env: fleet.env,
      stdio: ["ignore", full, "pipe"],
      encoding: "utf8",
    });
    assert.equal(status, 2, words.join(" "));
    assert.match(stderr, /cannot write to stdout: no space left/, words.join(" "));
    assert.doesNotMatch(stderr, /\n {4}at /);
  }
});

test("a full disk behind stderr does not change the exit code", (context) => {
  const full = descriptor(context, "/dev/full", "w");
  for (const program of [nixseal, agent])
    assert.equal(spawnSync(program, ["nope"], { stdio: ["ignore", "ignore", full] }).status, 2);
});

test("a reader that goes away takes the output, not the exit code", (context) => {
  const fleet = testFleet(context, declared);
  const code = (words: string): number | null =>
    spawnSync("bash", ["-c", lateReader(words)], {
      cwd: fleet.directory,
      env: { ...fleet.env, P: nixseal },
    }).status;
  assert.equal(code('{ sleep 0.1; "$P" secrets list; }'), 0);
  assert.equal(code('{ sleep 0.1; "$P" secrets check; }'), 1, "the value is missing: a finding");
  assert.equal(code('{ sleep 0.1; "$P" secrets get one --json; }'), 2);
  const key = fleet.publicKey("web");
  assert.equal(code(`{ sleep 0.1; timeout 20 "$P" age encrypt -r '${key}' < /dev/zero; }`), 2);
});

test("a reader that goes away does not make a failed installation done", (context) => {
  const host = new InstallHost(context);
  const key = host.at("/etc/ssh/ssh_host_ed25519_key");
  rmSync(key);
  spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
  host.declare({ one: { value: "no age file" } });
  const { status } = spawnSync(
    "bash",
    ["-c", lateReader('{ sleep 0.1; "$P" secrets install --manifest "$M" --root "$R" --json; }')],
    {
      env: { PATH: process.env["PATH"], P: agent, M: host.manifest, R: host.root },
    },
  );
  assert.equal(status, 3);
});

test("a recipient that is none is named, and a private key in its place is not repeated", () => {
  const encrypt = (...words: string[]) =>
    spawnSync(nixseal, ["age", "encrypt", ...words], { input: "", encoding: "utf8" }).stderr;
  assert.match(encrypt("-r", "age1xxx"), /recipient 'age1xxx': /);
  assert.doesNotMatch(encrypt("-r", "AGE-SECRET-KEY-1QQQ"), /1QQQ/);
});

test("a closed stdout is warned of; /dev/null as a shell opens it is not, and the exit code is that of the work", (context) => {
  const fleet = testFleet(context, declared);
  assert.equal(fleet.run(["secrets", "set", "one"], "value").code, 0);
  const run = (words: string) =>
    spawnSync("sh", ["-c", words], { cwd: fleet.directory, env: fleet.env, encoding: "utf8" });
  fleet.write("plain", "value");
  const recipient = fleet.publicKey("web");
  for (const words of ["secrets get one", "secrets check", `age encrypt -r "${recipient}" plain`]) {
    const closed = run(`'${nixseal}' ${words} >&-`);
    assert.equal(closed.status, 0, closed.stderr);
    assert.match(closed.stderr, /^warning: stdout is closed: the output went nowhere$/m, words);
    const unwanted = run(`'${nixseal}' ${words} > /dev/null`);
    assert.deepEqual([unwanted.status, unwanted.stderr], [0, ""], words);
  }
});

test("a new ciphertext has the mode that the umask leaves, as age's; plaintext is for its owner only", (context) => {
  const fleet = testFleet(context, declared);
  fleet.write("plain", "value");
  for (const [umask, mode] of [
    ["077", 0o600],
    ["022", 0o644],
    ["002", 0o664],
  ] as const) {
    const words = `umask ${umask}; '${nixseal}' age encrypt -r "${fleet.publicKey("web")}" -o ${umask}.age plain`;
    const stock = `umask ${umask}; age -r "${fleet.publicKey("web")}" -o ${umask}.stock plain`;
    for (const script of [words, stock])
      assert.equal(spawnSync("sh", ["-c", script], { cwd: fleet.directory, env: fleet.env }).status, 0);
    for (const file of [`${umask}.age`, `${umask}.stock`])
      assert.equal(statSync(fleet.file(file)).mode & 0o777, mode, file);
  }
  const decrypt = ["age", "decrypt", "-i", fleet.key("web"), "-o", "out", "002.age"];
  assert.equal(fleet.run(decrypt).code, 0);
  assert.equal(statSync(fleet.file("out")).mode & 0o777, 0o600);
});
