/** What somebody puts under `secrets/` by a merge request must not hang, mislead or get past the checks. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  closeSync,
  mkdirSync,
  existsSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { test } from "node:test";
import { nixseal, testFleet, type TestFleet } from "./support/fleet.ts";

const declared = `[secrets.one]
hosts = ["web"]
`;

interface Finding {
  readonly id: string;
  readonly severity: string;
  readonly file: string;
}

function findings(fleet: TestFleet): Finding[] {
  const { stdout } = fleet.run(["secrets", "check", "--json"]);
  return (JSON.parse(stdout) as { findings: Finding[] }).findings;
}

test("a pipe or a symlink in a secret's place is named and never waited for", (context) => {
  const fleet = testFleet(context, declared);
  assert.equal(fleet.run(["secrets", "set", "one"], "value").code, 0);
  const plants: (() => void)[] = [
    () => symlinkSync("/dev/stdin", fleet.file("secrets/one.age")),
    () => symlinkSync("/dev/zero", fleet.file("secrets/one.age")),
    () => spawnSync("mkfifo", [fleet.file("secrets/one.age")]),
    () => mkdirSync(fleet.file("secrets/one.age")),
  ];
  spawnSync("mkfifo", [fleet.file("silent")]);
  const silent = openSync(fleet.file("silent"), "r+"); // stdin that is open and never says a word: who reads it hangs
  context.after(() => closeSync(silent));
  for (const plant of plants) {
    rmSync(fleet.file("secrets/one.age"), { recursive: true });
    plant();
    for (const [words, expected] of [
      ["check", 1],
      ["list", 0],
      ["get one", 2],
      ["rekey", 3],
    ] as const) {
      const { status } = spawnSync(nixseal, ["secrets", ...words.split(" ")], {
        cwd: fleet.directory,
        env: fleet.env,
        stdio: [silent, "ignore", "ignore"],
        timeout: 20_000,
      });
      assert.equal(status, expected, words);
    }
    assert.equal(fleet.run(["secrets", "set", "one"], "value").code, 2, "it is not ours to replace");
    assert.ok(findings(fleet).some(({ id, file }) => id === "secret-broken" && file === "secrets/one.age"));
  }
});

test("plaintext is found however deep it lies and whatever it is called", (context) => {
  const fleet = testFleet(context, declared);
  assert.equal(fleet.run(["secrets", "set", "one"], "value").code, 0);
  mkdirSync(fleet.file("secrets/old/deep"), { recursive: true });
  fleet.write("secrets/old/deep/password.txt", "hunter2");
  fleet.write("secrets/old/copy.age", readFileSync(fleet.file("secrets/one.age"), "utf8"));
  fleet.write("secrets/database.json", '{"password":"hunter2"}');
  fleet.write("secrets/gone.json", readFileSync(fleet.file("secrets/one.json"), "utf8"));
  writeFileSync(Buffer.concat([Buffer.from(fleet.file("secrets/")), Buffer.from([0xff, 0x2e])]), "hunter2");
  const found = findings(fleet).map(({ id, severity, file }) => `${severity} ${id} ${file}`);
  assert.deepEqual(found.sort(), [
    "critical plaintext secrets/database.json",
    "critical plaintext secrets/old/deep/password.txt",
    "high file-name secrets/\ufffd.",
    "low stray-file secrets/gone.json",
    "low stray-file secrets/old/copy.age",
  ]);
});

test("import takes age files only: what a rule's file leads to may be anything", (context) => {
  const fleet = testFleet(context, "");
  const rules = `{ "token.age".publicKeys = [ "${fleet.publicKey("web")}" ]; }`;
  fleet.write("secrets.nix", rules);
  fleet.write("private", "plaintext of the operator");
  symlinkSync(fleet.file("private"), fleet.file("token.age"));
  const before = readFileSync(fleet.file("fleet.toml"), "utf8");
  const { code, stderr } = fleet.run(["secrets", "import", "agenix", "secrets.nix"]);
  assert.equal(code, 2);
  assert.match(stderr, /token\.age: not an age file/);
  assert.equal(existsSync(fleet.file("secrets/token.age")), false);
  assert.equal(readFileSync(fleet.file("fleet.toml"), "utf8"), before);
});

test("names from outside do not steer the terminal", (context) => {
  const fleet = testFleet(context, declared);
  const escape = "\u001b]0;owned\u0007\u009b31m";
  mkdirSync(fleet.file("secrets"), { recursive: true });
  fleet.write(`secrets/${escape}.txt`, "plaintext");
  fleet.write("secrets.nix", `{ "a${escape}.age".publicKeys = [ "${fleet.publicKey("web")}" ]; }`);
  for (const words of [
    ["secrets", "check"],
    ["secrets", "check", "--json"],
    ["secrets", "import", "agenix", "secrets.nix"],
  ]) {
    const { stdout, stderr } = fleet.run(words);
    assert.match(stdout, /owned/, stderr);
    assert.doesNotMatch(stdout.replaceAll("\n", ""), /\p{Cc}/u);
  }
});

test("a text in fleet.toml that no parser expects so long is an error with its file, not a bug", (context) => {
  const fleet = testFleet(context, "");
  fleet.write("fleet.toml", `[fleet]\nname = "${"a".repeat(2_000_000)}"\n`);
  const { code, stdout } = fleet.run(["secrets", "list", "--json"]);
  assert.equal(code, 2);
  assert.equal((JSON.parse(stdout) as { where?: { file?: string } }).where?.file, "fleet.toml");
});

test("a record with a merge conflict: the hint is a way out", (context) => {
  const fleet = testFleet(context, declared);
  assert.equal(fleet.run(["secrets", "set", "one"], "value").code, 0);
  fleet.write("secrets/one.json", `<<<<<<< HEAD\n{}\n=======\n`);
  const { code, stderr } = fleet.run(["secrets", "get", "one"]);
  assert.equal(code, 2);
  assert.match(stderr, /hint: .* or remove it and run `nixseal secrets rekey --all one`/);
  rmSync(fleet.file("secrets/one.json"));
  assert.equal(fleet.run(["secrets", "rekey", "--all", "one"]).code, 0);
  assert.deepEqual(findings(fleet), []);
  assert.equal(fleet.run(["secrets", "get", "one"]).stdout, "value");
});

test("an epoch never begins anew by itself: a broken record stops `set`, a broken ciphertext does not", (context) => {
  const fleet = testFleet(context, declared);
  for (const value of ["one", "two"]) assert.equal(fleet.run(["secrets", "set", "one"], value).code, 0);
  const record = readFileSync(fleet.file("secrets/one.json"), "utf8");
  const ciphertext = readFileSync(fleet.file("secrets/one.age"));
  for (const broken of ["<<<<<<< HEAD\n", "", record.replace('"epoch": 2', '"epoch": -2')]) {
    fleet.write("secrets/one.json", broken);
    const { code, stderr } = fleet.run(["secrets", "set", "one"], "three");
    assert.equal(code, 2);
    assert.match(stderr, /secrets\/one\.json.*\n {2}hint: take it and the \.age file from one commit/);
    assert.deepEqual(readFileSync(fleet.file("secrets/one.age")), ciphertext);
  }
  fleet.write("secrets/one.json", record);
  for (const spoil of [
    () => fleet.write("secrets/one.age", "spoiled"),
    () => rmSync(fleet.file("secrets/one.age")),
  ]) {
    spoil();
    assert.equal(fleet.run(["secrets", "set", "one"], "next").code, 0);
  }
  assert.match(readFileSync(fleet.file("secrets/one.json"), "utf8"), /"epoch": 4/);
});

test("what a power cut left beside secrets goes with the next write, and nothing that is not known to be ours", (context) => {
  const fleet = testFleet(context, declared);
  assert.equal(fleet.run(["secrets", "set", "one"], "value").code, 0);
  const longAgo = new Date(Date.now() - 7_200_000);
  const put = (name: string, at: Date): void => {
    fleet.write(`secrets/${name}`, "age-encryption.org/v1\n-> X");
    utimesSync(fleet.file(`secrets/${name}`), at, at);
  };
  const ours = [".one.age.0123456789ab.tmp", ".one.json.0123456789ab.tmp"];
  const kept = [
    ".one.age.ba9876543210.tmp",
    ".one.age.swp",
    ".one.txt.0123456789ab.tmp",
    ".one.age.0123456789.tmp",
  ];
  for (const name of [...ours, ...kept]) put(name, name === kept[0] ? new Date() : longAgo);
  mkdirSync(fleet.file("secrets/.two.age.0123456789ab.tmp"));
  assert.equal(fleet.run(["secrets", "rekey", "--dry-run"]).code, 0);
  for (const name of ours) assert.ok(existsSync(fleet.file(`secrets/${name}`)), "a dry run removes nothing");
  const { code, stderr } = fleet.run(["secrets", "rekey"]);
  assert.equal(code, 0);
  for (const name of ours) {
    assert.ok(stderr.includes(`removed secrets/${name}`), stderr);
    assert.equal(existsSync(fleet.file(`secrets/${name}`)), false);
  }
  for (const name of [...kept, ".two.age.0123456789ab.tmp"])
    assert.ok(existsSync(fleet.file(`secrets/${name}`)));
});
