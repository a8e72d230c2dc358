import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { findingsIn, testFixtures } from "../../../test/support/audit.ts";
import { temporaryDirectory } from "../../../test/support/temporary.ts";
import { secretFileChecks } from "./sec-files.ts";
import { secretOptionChecks } from "./sec-nix.ts";

// Put together here, so that no scanner takes the tests for a leak. None of them was ever valid.
const body = "MIIEowIBAAKCAQEAr5pP2x9uQk3sT7vW8yZaBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789abcdefgh";
const pem = (label: string, text: string): string =>
  ["-----BEGIN ", label, "-----\n", text, "\n-----END ", label, "-----\n"].join("");
const identity = ["AGE-SECRET", "-KEY-1QJEPWDUT2Q8PRRPVG7XL3EH2MAMVGKQ9RU2HDRY5JQVNZ6XS4FDQMPLNRA"].join("");
const token = ["ghp", "_aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY1zA2"].join("");
const wireguard = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";
const unit = (line: string): string => `systemd.services.x.${line}`;

testFixtures([...secretFileChecks, ...secretOptionChecks], {
  SEC001: {
    bad: [{ "key.pem": pem("RSA PRIVATE KEY", body) }, { "a/id": pem("OPENSSH PRIVATE KEY", body) }],
    good: [
      { "key.pem": pem("PUBLIC KEY", body) },
      { "k.pem": pem("ENCRYPTED PRIVATE KEY", body) },
      { "k.pem": pem("RSA PRIVATE KEY", `Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n${body}`) },
    ],
  },
  SEC002: {
    bad: [{ "keys.txt": `# created\n${identity}\n` }],
    good: [{ "README.md": `AGE-SECRET-KEY-1${"Q".repeat(58)}` }, { "x.txt": "AGE-SECRET-KEY-1..." }],
  },
  SEC003: {
    bad: [{ ".env": "DB_PASSWORD=hunter22x\n" }, { "app/.env.production": 'export API_TOKEN="abcd1234"\n' }],
    good: [
      { ".env": "PORT=8080\n" },
      { ".env.example": "DB_PASSWORD=hunter22x\n" },
      { ".env": "DB_PASSWORD=changeme\nAPI_TOKEN=$TOKEN\n" },
    ],
  },
  SEC004: {
    bad: [
      { "ci.sh": `export T=${token}\n` },
      { "x.nix": `{ a = "${["AKIA", "Q3EGZ7TLW2HX5MBC"].join("")}"; }` },
    ],
    good: [
      { "ci.sh": `T=ghp_${"x".repeat(36)}\n` },
      { "a.txt": "AKIAIOSFODNN7EXAMPLE" },
      { "b.txt": `nixghp_${token.slice(4)}` },
    ],
  },
  SEC005: {
    bad: [
      { "s.sh": "openssl enc -base64 -in secret -out secret.enc\n" },
      { "t.sh": "echo x | openssl enc -a -d\n" },
      { "u.sh": "openssl base64 -in secrets" },
    ],
    good: [
      { "s.sh": "openssl enc -aes-256-cbc -a -pbkdf2 -in x\n" },
      { "s.sh": "# openssl enc -base64\n" },
      { "s.sh": "openssl dgst -sha256 x" },
    ],
  },
  SEC006: {
    bad: [
      { "s.sh": "openssl enc -d -aes-256-cbc -in x.enc\n" },
      { "x.nix": "{ y = ''\n  openssl aes-256-cbc -d -in x\n''; }" },
    ],
    good: [{ "s.sh": "openssl enc -base64\n" }, { "s.sh": "openssl x509 -in x" }],
  },
  SEC007: {
    bad: [
      { ".netrc": "machine example.org login a password s3cret\n" },
      { "home/.git-credentials": "https://bob:s3cret@example.org\n" },
      { ".pgpass": "db:5432:app:bob:s3cret\n" },
    ],
    good: [
      { ".netrc": "machine example.org login a\n" },
      { "notes.txt": "password s3cret\n" },
      { ".npmrc": "//r.example.org/:_authToken=${NPM_TOKEN}\n" },
    ],
  },
  SEC008: {
    bad: [
      { "wg0.conf": `[Interface]\nPrivateKey = ${wireguard}\n` },
      `networking.wireguard.interfaces.wg0 = {\n privateKey = "${wireguard}"; };`,
    ],
    good: [
      { "wg0.conf": `[Peer]\nPublicKey = ${wireguard}\n` },
      'networking.wireguard.interfaces.wg0.privateKeyFile = "/run/x";',
    ],
  },
  SEC009: {
    bad: [{ "secrets.yaml": "db_password: hunter22\n" }, { "secrets/all.dec.yaml": "a: some value\n" }],
    good: [
      { "secrets.yaml": "db: ENC[AES256_GCM,data:x]\nsops:\n  mac: x\n" },
      { "secrets.nix": '{ "a.age".publicKeys = [ ]; }' },
      { "config.yaml": "db_password: x\n" },
    ],
  },
  SEC010: {
    bad: [
      'users.users.alice.initialPassword = "hunter22";',
      'users.users.alice = let p = "x"; in { password = p; };',
      'users.users.root.password = "";',
    ],
    good: [
      'users.users.alice.hashedPasswordFile = "/run/x";',
      "users.users.alice.password = null;",
      "users.users.alice.password = config.x;",
    ],
  },
  SEC011: {
    bad: [
      'users.users.alice.hashedPassword = "$6$abc$def";',
      'users.users.alice.initialHashedPassword = "";',
    ],
    good: ['users.users.alice.hashedPassword = "!";', 'users.users.alice.hashedPassword = "*";'],
  },
  SEC012: {
    bad: [
      unit('environment.API_TOKEN = "abcd1234efgh";'),
      unit('environment = { DB_PASSWORD = "hunter22"; };'),
    ],
    good: [
      unit('environment.API_TOKEN_FILE = "/run/x";'),
      unit('environment.LANG = "C.UTF-8";'),
      unit("environment.API_TOKEN = config.x;"),
      unit('environment.API_TOKEN = "/run/token";'),
    ],
  },
  SEC013: {
    bad: [
      unit('serviceConfig.Environment = "DB_PASSWORD=hunter22";'),
      unit('serviceConfig = { Environment = [ "A=b" "API_TOKEN=abcdefgh" ]; };'),
    ],
    good: [
      unit('serviceConfig.Environment = "HOME=/var/lib/x";'),
      unit('serviceConfig.Environment = "API_TOKEN=%d/token";'),
    ],
  },
  SEC014: {
    bad: [
      unit('serviceConfig.ExecStart = "/bin/app --password=hunter22";'),
      unit("script = ''\n app --api-key abcd1234\n'';"),
    ],
    good: [
      unit('serviceConfig.ExecStart = "/bin/app --password-file /run/x";'),
      unit('serviceConfig.ExecStart = "/bin/app --token $TOKEN";'),
    ],
  },
  SEC015: {
    bad: [
      'services.nextcloud.config.adminpass = "hunter22";',
      'networking.wireless.networks.home.psk = "correct horse";',
      'services.grafana.settings.security.admin_password = "admin1";',
    ],
    good: [
      'services.nextcloud.config.adminpassFile = "/run/x";',
      'services.grafana.settings.security.admin_password = "$__file{/run/x}";',
      "services.x.settings.token = config.y;",
    ],
  },
  SEC016: {
    bad: [
      "services.x.passwordFile = ./password.txt;",
      "sops.age.keyFile = ./key.txt;",
      "networking.wireguard.interfaces.wg0.privateKeyFile = ./wg.key;",
    ],
    good: [
      'services.x.passwordFile = "/run/nixseal/secrets/x";',
      "age.secrets.x.file = ./x.age;",
      "services.x.configFile = ./x.conf;",
    ],
  },
  SEC017: {
    bad: ["nix.settings.secret-key-files = [ ./cache.key ];", "services.nix-serve.secretKeyFile = ./k;"],
    good: ['nix.settings.secret-key-files = [ "/run/nixseal/secrets/cache" ];'],
  },
  SEC018: {
    bad: [
      "x = builtins.readFile ./secrets/token;",
      "x = lib.fileContents config.age.secrets.a.path;",
      "x = builtins.readFile /run/secrets/a;",
      'x = builtins.readFile "${./.}/password";',
      "x = lib.importJSON config.services.x.passwordFile;",
    ],
    good: [
      "x = builtins.readFile ./secrets/a.pub;",
      "x = builtins.readFile ./motd.txt;",
      "x = config.age.secrets.a.path;",
    ],
  },
});

test("OpenSSH's own keys: without a passphrase found, with one not", async (context) => {
  const directory = temporaryDirectory(context);
  const made = (name: string, passphrase: string): string => {
    spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", passphrase, "-f", join(directory, name)]);
    return readFileSync(join(directory, name), "utf8");
  };
  const findings = await findingsIn({ open: made("open", ""), closed: made("closed", "a passphrase") });
  assert.deepEqual(
    findings.map(({ id, file }) => [id, file]),
    [["SEC001", "open"]],
  );
});

test("no report repeats what was found, nor a hash of it that guesses could be tested with", async () => {
  const values = ["hunter22xyz", token, identity, wireguard, body];
  const tree = {
    ".env": `DB_PASSWORD=${values[0]}\n`,
    "a.sh": `curl -H "Authorization: ${token}"\n`,
    "b.txt": identity,
    "c.pem": pem("RSA PRIVATE KEY", body),
    "d.nix": `{ users.users.a.password = "${values[0]}"; networking.wg-quick.interfaces.w.privateKey = "${wireguard}"; services.x.token = "${token}"; systemd.services.y.environment.PASSWORD = "${values[0]}"; }`,
  };
  const findings = await findingsIn(tree);
  assert.ok(findings.length >= 8);
  for (const value of values) assert.ok(!JSON.stringify(findings).includes(value.slice(0, 10)), value);
  // Of 500 other passwords some share the fingerprint: a list of guesses can't be told from the right one.
  const fingerprint = async (password: string): Promise<string> =>
    (await findingsIn({ "x.nix": `{ users.users.a.password = "${password}"; }` }))[0]!.fingerprint;
  const many = new Set(await Promise.all(Array.from({ length: 500 }, (_, n) => fingerprint(`guess${n}`))));
  assert.ok(many.size < 500 && many.size > 400, String(many.size));
});
