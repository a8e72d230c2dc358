import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { nixseal, testFleet, type TestFleet } from "./support/fleet.ts";

const declared = `[secrets.one]
hosts = ["web"]

[secrets.two]
hosts = ["web", "db"]
`;

interface Report {
  readonly findings: readonly { id: string; severity: string; secret?: string; file?: string }[];
}

function ids(fleet: TestFleet): string[] {
  const { stdout } = fleet.run(["secrets", "check", "--json"]);
  return (JSON.parse(stdout) as Report).findings
    .map(({ id, secret, file }) => `${id} ${secret ?? file}`)
    .sort();
}

/** What the age program makes of a secret's file with a key of the fleet; null when it cannot read it. */
function byAge(fleet: TestFleet, key: string, secret: string): string | null {
  const result = spawnSync("age", ["-d", "-i", fleet.key(key), fleet.file(`secrets/${secret}.age`)], {
    encoding: "utf8",
  });
  return result.status === 0 ? result.stdout : null;
}

/** A second member, who has to be among the recipients from now on. */
function addBob(fleet: TestFleet): void {
  const text = readFileSync(fleet.file("fleet.toml"), "utf8");
  fleet.write("fleet.toml", `${text}\n[members.bob]\nkeys = ["${fleet.publicKey("bob")}"]\n`);
}

test("set keeps the bytes of stdin, and the age program of host and member reads them; nobody else does", (context) => {
  const fleet = testFleet(context, declared);
  assert.equal(fleet.run(["secrets", "set", "one"], "with newline\n\n").code, 0);
  assert.equal(byAge(fleet, "web", "one"), "with newline\n\n");
  assert.equal(byAge(fleet, "alice", "one"), "with newline\n\n");
  assert.equal(byAge(fleet, "db", "one"), null);
  const binary = Uint8Array.from({ length: 256 }, (_, index) => index);
  assert.equal(fleet.run(["secrets", "set", "one"], binary).code, 0);
  const raw = spawnSync(nixseal, ["secrets", "get", "one"], { cwd: fleet.directory, env: fleet.env });
  assert.deepEqual(new Uint8Array(raw.stdout), binary);
  const { encoding } = JSON.parse(fleet.run(["secrets", "get", "one", "--json"]).stdout) as {
    encoding: string;
  };
  assert.equal(encoding, "base64");
});

test("get finds a key by -i, by NIXSEAL_IDENTITY and in ~/.ssh; without one it is refused", (context) => {
  const fleet = testFleet(context, declared);
  fleet.run(["secrets", "set", "one"], "x");
  assert.equal(fleet.run(["secrets", "get", "one", "-i", fleet.key("web")]).stdout, "x");
  assert.equal(fleet.run(["secrets", "get", "one", "-i", fleet.key("db")]).code, 4);
  fleet.env["NIXSEAL_IDENTITY"] = fleet.key("db");
  assert.equal(fleet.run(["secrets", "get", "one"]).code, 4);
  delete fleet.env["NIXSEAL_IDENTITY"];
  rmSync(fleet.key("alice"));
  const { code, stderr } = fleet.run(["secrets", "get", "one"]);
  assert.equal(code, 4);
  assert.match(stderr, /no private key to decrypt with/);
});

test("check needs no key and finds what is wrong", (context) => {
  const fleet = testFleet(context, `${declared}\n[secrets.old]\nhosts = ["db"]\nmax_age = "30d"\n`);
  for (const name of ["one", "two", "old"]) fleet.run(["secrets", "set", name], name);
  rmSync(fleet.key("alice"));
  assert.deepEqual(ids(fleet), []);

  const record = JSON.parse(readFileSync(fleet.file("secrets/old.json"), "utf8")) as Record<string, unknown>;
  fleet.write("secrets/old.json", JSON.stringify({ ...record, created: "2020-01-01T00:00:00Z" }));
  rmSync(fleet.file("secrets/two.age"));
  fleet.write("secrets/passwords.txt", "hunter2");
  fleet.write("secrets/plain.age", "not encrypted at all");
  fleet.write("secrets/stray.age", readFileSync(fleet.file("secrets/one.age"), "utf8"));
  symlinkSync("one.age", fleet.file("secrets/link.age"));
  addBob(fleet);
  assert.deepEqual(ids(fleet), [
    "plaintext plain",
    "plaintext secrets/passwords.txt",
    "recipient-missing old",
    "recipient-missing one",
    "secret-expired old",
    "secret-missing two",
    "stray-file stray",
    "symlink secrets/link.age",
  ]);
  assert.equal(fleet.run(["secrets", "check"]).code, 1);
});

test("a broken file is a finding and does not hide the others", (context) => {
  const fleet = testFleet(context, declared);
  for (const name of ["one", "two"]) fleet.run(["secrets", "set", name], name);
  const text = readFileSync(fleet.file("secrets/one.age"), "utf8");
  fleet.write("secrets/one.age", text.slice(0, 200));
  fleet.write("secrets/two.json", "<<<<<<< HEAD");
  assert.deepEqual(ids(fleet), ["secret-broken one", "secret-broken two"]);
});

test("rekey touches what is out of date and nothing else; the value, its epoch and date stay", (context) => {
  const fleet = testFleet(context, `${declared}\n[secrets.closed]\nhosts = ["web"]\nreaders = ["alice"]\n`);
  for (const name of ["one", "two", "closed"]) fleet.run(["secrets", "set", name], name);
  addBob(fleet);
  const before = new Map(
    readdirSync(fleet.file("secrets")).map((name) => [
      name,
      readFileSync(fleet.file(`secrets/${name}`), "utf8"),
    ]),
  );
  const dry = fleet.run(["secrets", "rekey", "--dry-run"]);
  assert.match(
    dry.stdout,
    /would rekey one \(\+member:bob\)\nwould rekey two \(\+member:bob\)\n2 to rekey, 1 up to date/,
  );
  for (const [name, text] of before) assert.equal(readFileSync(fleet.file(`secrets/${name}`), "utf8"), text);

  assert.match(fleet.run(["secrets", "rekey"]).stdout, /2 rekeyed, 1 up to date/);
  assert.equal(byAge(fleet, "bob", "one"), "one");
  assert.equal(byAge(fleet, "bob", "closed"), null);
  assert.equal(readFileSync(fleet.file("secrets/closed.age"), "utf8"), before.get("closed.age"));
  const created = (text: string | undefined): unknown => (JSON.parse(text!) as { created: unknown }).created;
  assert.equal(
    created(readFileSync(fleet.file("secrets/one.json"), "utf8")),
    created(before.get("one.json")),
  );
  assert.match(fleet.run(["secrets", "rekey"]).stdout, /^0 rekeyed, 3 up to date$/m);
  assert.deepEqual(ids(fleet), []);
});

test("files of other programs are taken as they are: made by age, in binary, with no record", (context) => {
  const fleet = testFleet(context, declared);
  fleet.run(["secrets", "set", "two"], "two");
  const recipients = ["web", "alice"].flatMap((name) => ["-r", fleet.publicKey(name)]);
  spawnSync("age", ["-e", ...recipients, "-o", fleet.file("secrets/one.age")], { input: "from age" });
  assert.deepEqual(ids(fleet), []);
  assert.match(fleet.run(["secrets", "rekey"]).stdout, /0 rekeyed, 2 up to date/);
  addBob(fleet);
  assert.equal(fleet.run(["secrets", "rekey", "one"]).code, 0);
  assert.equal(byAge(fleet, "bob", "one"), "from age");
  assert.match(readFileSync(fleet.file("secrets/one.age"), "latin1"), /^age-encryption\.org/, "still binary");
});

test("one secret that cannot be decrypted does not stop the others: exit 3 names it", (context) => {
  const fleet = testFleet(context, declared);
  fleet.run(["secrets", "set", "two"], "two");
  spawnSync("age", ["-e", "-r", fleet.publicKey("db"), "-o", fleet.file("secrets/one.age")], {
    input: "foreign",
  });
  addBob(fleet);
  const { code, stdout } = fleet.run(["secrets", "rekey", "--json"]);
  const result = JSON.parse(stdout) as {
    rekeyed: { secret: string }[];
    failed: { secret: string; code: string }[];
  };
  assert.equal(code, 3);
  assert.deepEqual(
    [
      result.rekeyed.map(({ secret }) => secret),
      result.failed.map(({ secret, code: why }) => `${secret} ${why}`),
    ],
    [["two"], ["one refused"]],
  );
  assert.equal(byAge(fleet, "db", "one"), "foreign");
});

test("edit: the plaintext lies in memory only, and is gone afterwards even when the editor fails", (context) => {
  const fleet = testFleet(context, declared);
  fleet.run(["secrets", "set", "one"], "before");
  const seen = fleet.file("seen");
  const editor = (name: string, body: string): string => {
    writeFileSync(
      fleet.file(name),
      `#!/bin/sh\nset -e\nprintf %s "$1" > ${seen}\nstat -f -c %T "$1" >> ${seen}\n${body}\n`,
      { mode: 0o755 },
    );
    return fleet.file(name);
  };
  fleet.env["EDITOR"] = editor("good", 'sed -i s/before/after/ "$1"');
  assert.match(fleet.run(["secrets", "edit", "one"]).stdout, /epoch 2/);
  assert.equal(byAge(fleet, "web", "one"), "after");
  const path = /^(.*\/value)tmpfs$/m.exec(readFileSync(seen, "utf8"))?.[1];
  assert.ok(path !== undefined, readFileSync(seen, "utf8"));
  assert.throws(() => statSync(path), { code: "ENOENT" });

  fleet.env["EDITOR"] = editor("bad", 'echo rubbish > "$1"; exit 1');
  assert.equal(fleet.run(["secrets", "edit", "one"]).code, 2);
  assert.equal(byAge(fleet, "web", "one"), "after");
  assert.throws(() => statSync(readFileSync(seen, "utf8").replace(/tmpfs\n$/, "")), { code: "ENOENT" });

  fleet.env["EDITOR"] = "true";
  assert.match(fleet.run(["secrets", "edit", "one"]).stdout, /nothing changed/);
});

test("kill -9 at any moment of a rekey: every file is old or new, and the next run finishes", async (context) => {
  const names = Array.from({ length: 60 }, (_, index) => `s${index}`);
  const fleet = testFleet(
    context,
    names.map((name) => `[secrets.${name}]\nhosts = ["web", "db"]\n`).join(""),
  );
  for (const name of names)
    spawnSync(
      "age",
      [
        "-e",
        ...["web", "db", "alice"].flatMap((who) => ["-r", fleet.publicKey(who)]),
        "-o",
        join(secretsDirectory(fleet), `${name}.age`),
      ],
      { input: name },
    );
  addBob(fleet);
  let interrupted = 0;
  for (let delay = 100; delay < 2000 && (await rekeyAndKill(fleet, delay)); delay += 60) {
    interrupted++;
    for (const name of names) assert.equal(byAge(fleet, "web", name), name, `${name} after ${delay} ms`);
  }
  assert.ok(interrupted > 0, "no run was interrupted");
  assert.equal(fleet.run(["secrets", "rekey"]).code, 0);
  for (const name of names) assert.equal(byAge(fleet, "bob", name), name);
  const left = ids(fleet).filter((id) => !id.startsWith("leftover"));
  assert.deepEqual(left, []);
});

/** True when the run was killed before it ended by itself. */
async function rekeyAndKill(fleet: TestFleet, delay: number): Promise<boolean> {
  const child = spawn(nixseal, ["secrets", "rekey"], {
    cwd: fleet.directory,
    env: fleet.env,
    stdio: "ignore",
  });
  const ended = once(child, "exit") as Promise<[number | null, string | null]>;
  await Promise.race([sleep(delay), ended]);
  child.kill("SIGKILL");
  const [code] = await ended;
  return code === null;
}

function secretsDirectory(fleet: TestFleet): string {
  const made = fleet.file("secrets");
  spawnSync("mkdir", ["-p", made]);
  return made;
}

test("two operators at once: both values are whole, one after the other, or one is told who holds the lock", async (context) => {
  const fleet = testFleet(context, declared);
  const run = async (value: string): Promise<number | null> => {
    const child = spawn(nixseal, ["secrets", "set", "one"], {
      cwd: fleet.directory,
      env: fleet.env,
      stdio: ["pipe", "ignore", "ignore"],
    });
    child.stdin.end(value);
    const [code] = (await once(child, "exit")) as [number | null];
    return code;
  };
  const codes = await Promise.all(["a", "b", "c", "d"].map(run));
  assert.deepEqual(codes, [0, 0, 0, 0]);
  const { epoch } = JSON.parse(readFileSync(fleet.file("secrets/one.json"), "utf8")) as { epoch: number };
  assert.equal(epoch, 4);
  assert.deepEqual(ids(fleet), ["secret-missing two"]);
});

test("no value, passphrase or key ever shows in arguments, environment, output or the repository", (context) => {
  const poison = `poison-${process.pid}-value`;
  const fleet = testFleet(context, declared);
  const outputs = [
    fleet.run(["secrets", "set", "one"], poison),
    fleet.run(["secrets", "list", "--json"]),
    fleet.run(["secrets", "show", "one", "--json"]),
    fleet.run(["secrets", "rekey", "--all", "--events"]),
    fleet.run(["secrets", "manifest", "web"]),
    fleet.run(["secrets", "check", "--json"]),
  ];
  for (const { stdout, stderr } of outputs) assert.doesNotMatch(stdout + stderr, new RegExp(poison));
  const found = (directory: string): number | null => spawnSync("grep", ["-rq", poison, directory]).status;
  assert.equal(found(fleet.directory), 1);
  // The detector works: a file that holds it is found.
  const other = mkdtempSync(join(fleet.directory, "detector-"));
  writeFileSync(join(other, "file"), poison);
  assert.equal(found(other), 0);
});

test("what cannot work is said before anything is written", (context) => {
  const fleet = testFleet(context, `${declared}\n[secrets.nobody]\nhosts = []\nreaders = []\n`);
  const wrong: [string[], number, RegExp][] = [
    [["secrets", "set", "oen"], 2, /there is no secret 'oen'.*\n.*did you mean 'one'/],
    [["secrets", "set", "nobody"], 2, /nobody could read/],
    [["secrets", "get", "one"], 2, /has no value/],
    [["secrets", "manifest", "web"], 2, /has no value, and web is to have it/],
    [["secrets", "manifest", "wbe"], 2, /did you mean 'web'/],
    [["secrets", "rekey", "on*", "--dryrun"], 2, /did you mean '--dry-run'/],
    [["secrets", "rekey", "x*"], 2, /matches no secret/],
  ];
  for (const [words, code, message] of wrong) {
    const result = fleet.run(words, "value");
    assert.deepEqual(
      [result.code, message.test(result.stderr)],
      [code, true],
      `${words.join(" ")}\n${result.stderr}`,
    );
  }
  assert.throws(() => statSync(fleet.file("secrets")), { code: "ENOENT" });
});

test("import agenix takes over files and recipients and re-encrypts nothing", (context) => {
  const fleet = testFleet(context, "");
  const encrypted = (file: string, ...to: string[]): void => {
    spawnSync("mkdir", ["-p", dirname(fleet.file(file))]);
    const recipients = to.flatMap((name) => ["-r", fleet.publicKey(name)]);
    spawnSync("age", ["-e", ...recipients, "-o", fleet.file(file)], { input: file });
  };
  encrypted("agenix/wifi.age", "alice", "web", "db");
  encrypted("agenix/db/admin.age", "alice", "db");
  const keys = (...names: string[]): string =>
    names.map((name) => `"${fleet.publicKey(name)} ${name}@somewhere"`).join(" ");
  fleet.write(
    "agenix/secrets.nix",
    `let all = [ ${keys("alice", "web", "db")} ]; in {
  "wifi.age".publicKeys = all;
  "db/admin.age" = { publicKeys = [ ${keys("alice", "db")} ]; armor = true; };
  "unmade.age".publicKeys = all;
}`,
  );
  const before = readFileSync(fleet.file("fleet.toml"), "utf8");
  const dry = fleet.run(["secrets", "import", "agenix", "agenix/secrets.nix", "--dry-run"]);
  assert.equal(dry.code, 0, dry.stderr);
  assert.match(dry.stdout, /^\+\[secrets\.db-admin\]$/m);
  assert.equal(readFileSync(fleet.file("fleet.toml"), "utf8"), before);

  const done = fleet.run(["secrets", "import", "agenix", "agenix/secrets.nix", "--json"]);
  const { imported, missing } = JSON.parse(done.stdout) as { imported: unknown; missing: unknown };
  assert.deepEqual(imported, [
    { secret: "db-admin", from: "db/admin.age", hosts: ["db"], readers: ["alice"] },
    { secret: "unmade", from: "unmade.age", hosts: ["db", "web"], readers: ["alice"] },
    { secret: "wifi", from: "wifi.age", hosts: ["db", "web"], readers: ["alice"] },
  ]);
  assert.deepEqual(missing, ["unmade"]);
  assert.deepEqual(readFileSync(fleet.file("secrets/wifi.age")), readFileSync(fleet.file("agenix/wifi.age")));
  assert.ok(readFileSync(fleet.file("fleet.toml"), "utf8").startsWith(before), "what was there is untouched");
  assert.deepEqual(ids(fleet), ["secret-missing unmade"]);
  assert.match(fleet.run(["secrets", "rekey"]).stdout, /0 rekeyed, 2 up to date/);
  assert.match(
    fleet.run(["secrets", "import", "agenix", "agenix/secrets.nix"]).stdout,
    /in the inventory already: db-admin, unmade, wifi/,
  );
});

test("import agenix names the keys that it does not know, and rules that are none", (context) => {
  const fleet = testFleet(context, "");
  fleet.write("secrets.nix", `{ "a.age".publicKeys = [ "${fleet.publicKey("bob")}" ]; }`);
  const unknown = fleet.run(["secrets", "import", "agenix", "secrets.nix"]);
  assert.equal(unknown.code, 2);
  assert.ok(
    unknown.stderr.includes(fleet.publicKey("bob")) && unknown.stderr.includes("nixseal host add"),
    unknown.stderr,
  );
  for (const [text, message] of [
    ['{ "../a.age".publicKeys = [ ]; }', /not a \.age file below the rules file/],
    ['{ "a.age" = 1; }', /no list publicKeys/],
    ["[ 1", /could not evaluate the rules/],
  ] as const) {
    fleet.write("secrets.nix", text);
    const { code, stderr } = fleet.run(["secrets", "import", "agenix", "secrets.nix"]);
    assert.deepEqual([code, message.test(stderr)], [2, true], stderr);
  }
});

test("rename and remove take entry and files together and need no key", (context) => {
  const fleet = testFleet(context, `# kept\n${declared}`);
  for (const name of ["one", "two"]) fleet.run(["secrets", "set", name], name);
  rmSync(fleet.key("alice"));
  assert.equal(fleet.run(["secrets", "rename", "one", "first"]).code, 0);
  assert.deepEqual(readdirSync(fleet.file("secrets")), ["first.age", "first.json", "two.age", "two.json"]);
  assert.equal(byAge(fleet, "web", "first"), "one");
  assert.match(
    readFileSync(fleet.file("fleet.toml"), "utf8"),
    /# kept\n\[secrets\.first\]\nhosts = \["web"\]/,
  );
  // Stopped half-way, with the entry renamed and the old file still there: running it again finishes.
  spawnSync("ln", [fleet.file("secrets/first.age"), fleet.file("secrets/one.age")]);
  assert.equal(fleet.run(["secrets", "rename", "one", "first"]).code, 0);
  assert.deepEqual(ids(fleet), []);
  fleet.write("secrets/third.age", "somebody else's");
  const refused = fleet.run(["secrets", "rename", "two", "third"]);
  assert.equal(refused.code, 2);
  assert.equal(readFileSync(fleet.file("secrets/third.age"), "utf8"), "somebody else's");
  rmSync(fleet.file("secrets/third.age"));
  assert.equal(fleet.run(["secrets", "remove", "two"]).code, 0);
  assert.deepEqual(readdirSync(fleet.file("secrets")), ["first.age", "first.json"]);
  assert.deepEqual(ids(fleet), []);
});

test("import nix-infra: what it calls encrypted is base64; the values are taken over and called exposed", (context) => {
  const fleet = testFleet(context, "");
  spawnSync("mkdir", [fleet.file("infra")]);
  // As nix-infra calls it: no cipher is named, so OpenSSL encrypts nothing.
  const openssl = spawnSync("openssl", ["enc", "-pbkdf2", "-a", "-pass", "pass:x"], {
    input: "db password\n",
  });
  writeFileSync(fleet.file("infra/db-password"), openssl.stdout);
  assert.equal(Buffer.from(openssl.stdout.toString(), "base64").toString(), "db password\n");
  assert.match(fleet.run(["secrets", "import", "nix-infra", "infra"]).stderr, /--hosts is missing/);
  spawnSync("mkdir", [fleet.file("secrets")]);
  fleet.write("secrets/db-password.age", "somebody's only copy");
  assert.equal(fleet.run(["secrets", "import", "nix-infra", "infra", "--hosts", "db"]).code, 2);
  assert.equal(readFileSync(fleet.file("secrets/db-password.age"), "utf8"), "somebody's only copy");
  rmSync(fleet.file("secrets/db-password.age"));
  const { code, stdout } = fleet.run(["secrets", "import", "nix-infra", "infra", "--hosts", "db"]);
  assert.equal(code, 0);
  assert.match(stdout, /stored without encryption: set a new value for each/);
  assert.equal(byAge(fleet, "db", "db-password"), "db password\n");
  assert.deepEqual(ids(fleet), []);
});
