import assert from "node:assert/strict";
import { test } from "node:test";
import { NixsealError, placeOf } from "../core/errors.ts";
import { fleetOf, inspectText, keyLine, sourcesOf } from "../../test/support/fleets.ts";
import { inspectSources, problemsError } from "./load.ts";
import { fleetJsonSchema } from "./schema.ts";

const key = keyLine("lufta");

/** `LINE:COL message`, one a problem. */
async function problems(text: string): Promise<string[]> {
  const inspection = await inspectText(text);
  return inspection.problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

test("every default is applied", async () => {
  const fleet = await fleetOf(
    `[hosts.lufta]\nhost_keys = ["${key} root@lufta"]\n[secrets.db]\nhosts = ["lufta"]\n`,
  );
  assert.equal(fleet.name, null);
  const [host] = fleet.hosts.values();
  const { hostKeys, ...rest } = host!;
  assert.deepEqual(
    hostKeys.map(({ line }) => line),
    [key],
  );
  assert.deepEqual(rest, {
    name: "lufta",
    file: "fleet.toml",
    address: "lufta",
    port: 22,
    user: null,
    authorities: [],
    principal: "lufta",
    recipients: [],
    identities: [],
    tags: [],
    system: null,
  });
  const [secret] = fleet.secrets.values();
  assert.deepEqual(secret, {
    name: "db",
    file: "fleet.toml",
    hosts: [{ text: "lufta", negative: false, kind: "name", pattern: "lufta" }],
    readers: null,
    owner: "root",
    group: "root",
    mode: "0400",
    path: "/run/nixseal/secrets/db",
    restart: [],
    reload: [],
    stage: "default",
    credential: null,
    generator: null,
    maxAge: null,
    together: null,
  });
});

test("every field is read", async () => {
  const fleet = await fleetOf(`
[fleet]
name = "bos55"
[hosts.lufta]
address = "2001:db8::1"
port = 2222
user = "deploy"
recipients = ["age1tpm1qqqqqqqqqq", "${key} comment"]
identities = ["/etc/age/host"]
tags = ["web"]
system = "aarch64-linux"
[members.alice]
keys = ["${key}", "trust/keys/alice.asc"]
groups = ["infra"]
[secrets.g]
hosts = ["tag:web"]
readers = ["group:infra"]
owner = "1000"
group = "grafana"
mode = "0440"
path = "/var/lib/grafana/secret"
restart = ["grafana.service"]
reload = ["nginx.service"]
stage = "users"
credential = { unit = "grafana.service", name = "admin" }
generator = { kind = "password", length = 32 }
max_age = "90d"
together = "grafana"
`);
  const host = [...fleet.hosts.values()][0]!;
  assert.deepEqual(host.recipients, ["age1tpm1qqqqqqqqqq", key]);
  const member = [...fleet.members.values()][0]!;
  assert.deepEqual(member.keyFiles, ["trust/keys/alice.asc"]);
  assert.deepEqual(
    member.keys.map(({ line }) => line),
    [key],
  );
  const secret = [...fleet.secrets.values()][0]!;
  assert.equal(secret.maxAge, 90 * 86_400);
  assert.deepEqual(secret.generator, { kind: "password", settings: { length: 32 } });
  assert.equal(secret.together, "grafana");
});

test("each wrong value is named with its place, what was found and what was expected", async () => {
  const host = `[hosts.lufta]\nhost_keys = ["${key}"]\n`;
  for (const [text, expected] of [
    ["[fleet]\nnam = 'x'\nname = 'y'", /^2:1 unknown key "nam" in \[fleet\]$/],
    ["[host.a]", /^1:2 unknown key "host"$/],
    ["hosts = 3", /^1:9 found 3, expected a table of hosts$/],
    ["[hosts]\nlufta = 'x'", /^2:9 found "x", expected a table$/],
    ["[hosts.'bad name']", /^1:8 found "bad name", expected a name/],
    ["[hosts.'']", /^1:8 found "", expected a name/],
    ["[hosts.a]\naddress = '-oProxyCommand=x'", /^2:11 found "-oProxyCommand=x", expected a DNS name/],
    ["[hosts.a]\nport = 70000", /^2:8 found 70000, expected a port/],
    ["[hosts.a]\nport = '22'", /^2:8 found "22", expected a port/],
    ["[hosts.a]\nuser = '-l'", /^2:8 found "-l", expected the name of an account/],
    ["[hosts.a]\nhost_keys = 'x'", /^2:13 found "x", expected a list of at most 16 SSH public keys$/],
    ["[hosts.a]\nhost_keys = [\n  'ssh-ed25519 AAAA',\n]", /^3:3 found "ssh-ed25519 AAAA": /],
    [
      "[hosts.a]\nhost_keys = ['ssh-rsa " + key.split(" ")[1] + "']",
      /^2:14 found ".*": key says 'ssh-rsa' but holds/,
    ],
    ["[hosts.a]\nrecipients = ['age1b']", /^2:15 found "age1b", expected an age recipient/],
    ["[hosts.a]\nrecipients = ['AGE1QQQQQQQQ']", /^2:15 .*expected an age recipient/],
    ["[hosts.a]\nidentities = ['etc/key']", /^2:15 .*expected an absolute path/],
    ["[hosts.a]\nsystem = 'linux'", /^2:10 .*expected a system/],
    ["[hosts.a]\ntags = ['a', 'b c']", /^2:14 found "b c", expected a name/],
    ["[members.a]\nkeys = ['trust/keys/../x']", /^2:9 .*expected an SSH public key/],
    ["[secrets.s]\nmode = '400'", /^2:8 found "400", expected a mode/],
    ["[secrets.s]\nmode = '0666'", /^2:8 found "0666", expected a mode/],
    ["[secrets.s]\nmode = '4400'", /^2:8 /],
    [
      "[secrets.s]\nowner = '4294967295'",
      /^2:9 found "4294967295", expected the name or number of an account/,
    ],
    ["[secrets.s]\npath = '/a/../b'", /^2:8 .*expected an absolute path/],
    ["[secrets.s]\npath = '/a//b'", /^2:8 .*expected an absolute path/],
    ["[secrets.s]\npath = '/a/'", /^2:8 .*expected an absolute path/],
    ['[secrets.s]\npath = "/a\\nb"', /^2:8 found "\/a\\nb", expected an absolute path/],
    ["[secrets.s]\npath = '/nix/store/x'", /^2:8 '\/nix\/store\/x' is not a place/],
    ["[secrets.s]\npath = '/run/nixseal/secrets/t'", /^2:8 .*is not a place for 's'/],
    ["[secrets.s]\npath = '/run'", /^2:8 .*is not a place for 's'/],
    ["[secrets.s]\nrestart = ['--now']", /^2:12 .*expected the name of a systemd unit/],
    ["[secrets.s]\nstage = 'boot'", /^2:9 found "boot", expected "default" or "users"$/],
    [
      "[secrets.s]\ncredential = { unit = 'a.service' }",
      /^2:1[0-9]* 'name' is missing, expected a credential/,
    ],
    ["[secrets.s]\ngenerator = { length = 3 }", /'kind' is missing, expected a name/],
    ["[secrets.s]\nmax_age = '90 days'", /^2:11 .*expected a duration/],
    ["[secrets.s]\nmax_age = 1979-05-27", /^2:11 found a date, expected a duration/],
    [host + "[secrets.s]\nhosts = ['lufta', 'lufte']", /^4:19 'lufte' matches no host$/],
    [host + "[secrets.s]\nreaders = ['tag:x']", /^4:12 'tag:x' cannot select members$/],
    ["include = ['../x.toml']", /^1:12 .*expected a relative path or glob/],
    ["include = ['/x.toml']", /^1:12 .*expected a relative path or glob/],
  ] as const) {
    const found = await problems(text);
    assert.equal(found.length, 1, `${text}\n${found.join("\n")}`);
    assert.match(found[0]!, expected);
  }
});

test("all problems are reported, in the order of the file, and the error names each", async () => {
  const { problems: all } = await inspectText(
    "[hosts.a]\nport = 0\nadress = 'x'\n[members.b]\ngroups = 'g'\n",
  );
  assert.deepEqual(all.map(placeOf), ["fleet.toml:2:8", "fleet.toml:3:1", "fleet.toml:5:10"]);
  const error = problemsError(all);
  assert.equal(error.code, "config");
  assert.equal(placeOf(error.where), "fleet.toml:2:8");
  assert.match(
    error.message,
    /\nfleet\.toml:3:1: unknown key "adress" in \[hosts\.a\] \(did you mean 'address'\?\)\n/,
  );
  assert.match(error.message, /fleet\.toml:5:10: found "g"/);
});

test("problems are bounded", async () => {
  const text = Array.from({ length: 5000 }, (_, index) => `[hosts.h${index}]\nport = 0\n`).join("");
  const { problems: all } = await inspectText(text);
  assert.equal(all.length, 100);
  assert.match(problemsError(all).message, /and 79 more$/);
});

test("a private key in the wrong place is never shown", async () => {
  const secret = `AGE-SECRET-KEY-1QQPZRY${"Q".repeat(52)}`;
  for (const text of [
    `[hosts.a]\nrecipients = ["${secret}"]`,
    `[hosts.a]\n${secret} = 1`,
    `[hosts."${secret}"]`,
    `[secrets.s]\nhosts = ["${secret}"]`,
    `include = ["${secret}"]`,
  ]) {
    const { problems: all } = await inspectText(text);
    assert.equal(all.length, 1);
    assert.ok(!JSON.stringify(problemsError(all)).includes("QQPZRY"), text);
    assert.ok(!problemsError(all).message.includes("QQPZRY"), text);
  }
});

test("syntax errors have a place", async () => {
  for (const [text, place] of [
    ["[hosts.a]\nport = \n", "fleet.toml:2"],
    ["a = 1\na = 2\n", "fleet.toml:2:1"],
    ['# a\n\n[secrets.s]\npath = "/a\\u0000b"', "fleet.toml:4:11"],
    ["\ufeff[fleet]", "fleet.toml:1:1"],
    ["[hosts.__proto__]\nport = 1", "fleet.toml:1:"],
    [`x = ${"[".repeat(100_000)}`, "fleet.toml:1:"],
  ] as const)
    assert.throws(
      () => sourcesOf({ "fleet.toml": text }),
      (error) =>
        error instanceof NixsealError && error.code === "config" && placeOf(error.where).startsWith(place),
      text.slice(0, 40),
    );
});

test("an entry in two files names both", async () => {
  const { problems: all } = await inspectSources(
    sourcesOf({ "fleet.toml": "[hosts.a]\n", "hosts/a.toml": "# again\n[hosts.a]\n" }),
  );
  assert.equal(all.length, 1);
  assert.equal(placeOf(all[0]), "hosts/a.toml:2:8");
  assert.equal(all[0]!.message, "[hosts.a] is in fleet.toml already");
});

test("included files hold entries only", async () => {
  const { problems: all } = await inspectSources(
    sourcesOf({ "fleet.toml": "", "a.toml": "include = ['b.toml']\n[fleet]\nname = 'x'\n" }),
  );
  assert.deepEqual(
    all.map(({ message }) => message),
    ['unknown key "include"', 'unknown key "fleet"'],
  );
});

test("places are found however the tables are written", async () => {
  for (const [text, place] of [
    ["hosts.a.port = 0", "1:16"],
    ["hosts = { a = { port = 0 } }", "1:24"],
    ["[hosts]\na.port = 0", "2:10"],
    ["[hosts]\n'a' = { port = 0 }", "2:16"],
    ['[hosts."a"]\r\n# é😀\r\nport = 0', "3:8"],
  ] as const) {
    const [problem] = (await inspectText(text)).problems;
    assert.equal(`${problem!.line}:${problem!.column}`, place, text);
  }
});

test("the JSON Schema knows every key and no other", () => {
  const schema = fleetJsonSchema() as {
    additionalProperties: unknown;
    properties: Record<
      string,
      { additionalProperties: { properties: object; additionalProperties: unknown } }
    >;
  };
  assert.equal(schema.additionalProperties, false);
  assert.deepEqual(Object.keys(schema.properties), [
    "fleet",
    "state",
    "deploy",
    "include",
    "hosts",
    "members",
    "secrets",
  ]);
  const host = schema.properties["hosts"]!.additionalProperties;
  assert.equal(host.additionalProperties, false);
  assert.ok("host_keys" in host.properties && "identities" in host.properties);
});

test("a large fleet loads whole", async () => {
  const hosts = Array.from(
    { length: 5000 },
    (_, n) => `[hosts.h${n}]\nhost_keys = ["${keyLine(`${n}`)}"]\ntags = ["t${n % 50}"]\n`,
  );
  const secrets = Array.from(
    { length: 2000 },
    (_, n) => `[secrets.s${n}]\nhosts = ["h${n}", "tag:t${n % 50}", "!h4999"]\n`,
  );
  const fleet = await fleetOf([...hosts, ...secrets].join(""));
  assert.equal(fleet.hosts.size, 5000);
  assert.equal(fleet.secrets.size, 2000);
  assert.equal(fleet.tags.get("t7")!.length, 100);
});

test("[state]: in one place, and a cluster only with its authorities", async () => {
  const etcd = 'etcd = ["https://etcd1:2379", "https://[::1]:2379"]\n';
  assert.equal((await fleetOf("")).state, null);
  assert.deepEqual((await fleetOf('[state]\ndirectory = "/srv/state"\n')).state, {
    kind: "directory",
    path: "/srv/state",
  });
  assert.deepEqual((await fleetOf(`[state]\n${etcd}authorities = "trust/etcd.pem"\n`)).state, {
    kind: "etcd",
    endpoints: ["https://etcd1:2379", "https://[::1]:2379"],
    authorities: "trust/etcd.pem",
  });
  assert.match((await problems(`[state]\n${etcd}`)).join(), /needs both etcd and authorities/);
  assert.match((await problems('[state]\nauthorities = "a.pem"\n')).join(), /needs both/);
  assert.match(
    (await problems(`[state]\ndirectory = "/x"\n${etcd}authorities = "a.pem"\n`)).join(),
    /state lies in one place|names a directory and etcd/,
  );
  for (const bad of [
    'etcd = ["http://plain:2379"]',
    'authorities = "../x.pem"',
    'directory = "x"',
    "etc = []",
  ])
    assert.equal((await problems(`[state]\n${bad}\n`)).length, 1, bad);
});

test("[deploy]: defaults, and checks that are one thing each", async () => {
  assert.deepEqual((await fleetOf("")).deploy, {
    canary: 1,
    waves: [],
    soak: 0,
    failures: 0,
    onFailure: "stop",
    parallel: 8,
    checks: [],
  });
  const { deploy } = await fleetOf(
    '[deploy]\nwaves = [25, 50]\nsoak = "2m"\non_failure = "revert"\n[[deploy.checks]]\nurl = "https://{address}/"\n[[deploy.checks]]\ncommand = ["./look", "{host}"]\n',
  );
  assert.deepEqual([deploy.waves, deploy.soak, deploy.onFailure], [[25, 50], 120, "revert"]);
  assert.deepEqual(deploy.checks, [
    { kind: "url", url: "https://{address}/" },
    { kind: "command", words: ["./look", "{host}"] },
  ]);
  for (const bad of [
    "canary = -1",
    "waves = [0]",
    'soak = "soon"',
    "parallel = 0",
    "checks = [{}]",
    "checks = [{ command = [] }]",
    'checks = [{ url = "file:///etc" }]',
    'on_failure = "panic"',
    "canaries = 1",
  ])
    assert.equal((await problems(`[deploy]\n${bad}\n`)).length, 1, bad);
});
