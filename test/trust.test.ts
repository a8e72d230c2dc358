import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { top } from "./console.ts";
import { sshServer } from "./support/ssh-server.ts";
import { trustFleet, type TrustFleet } from "./support/trust-fleet.ts";

test("two of three sign the root; ssh-keygen verifies what is exported", (context) => {
  const fleet = trustFleet(context);
  const pub = (name: string): string => `${fleet.key(name)}.pub`;
  const three = ["alice", "bob", "db"].flatMap((name) => ["--root-key", pub(name)]);
  fleet.expect(
    0,
    "trust",
    "init",
    ...three,
    "--threshold",
    "2",
    "--group",
    "edge=tag:edge",
    "--group-threshold",
    "edge=2",
  );
  assert.match(fleet.expect(0, "trust", "show"), /there is no root yet[\s\S]*1 of 2 by keys of version 1/);
  assert.match(fleet.expect(2, "trust", "export"), /there is no trust\/root\.json/);
  assert.match(fleet.expect(2, "trust", "init"), /waits for signatures/);
  assert.match(fleet.expect(2, "trust", "sign", "--yes"), /has signed it already/);
  assert.match(fleet.expect(4, "trust", "sign", "--yes", "--key", fleet.key("web")), /is no root key/);
  assert.match(fleet.expect(4, "trust", "sign", "--key", fleet.key("bob")), /no terminal/);
  fleet.expect(0, "trust", "sign", "--yes", "--key", fleet.key("bob"));
  assert.match(fleet.expect(0, "trust", "show"), /2 of 3 must sign/);
  assert.match(fleet.expect(2, "trust", "init"), /has a root already/);

  fleet.expect(0, "trust", "export", "--out", "out");
  const directory = join(fleet.directory, "out");
  const payload = readFileSync(join(directory, "root"));
  for (const name of ["root.1.sig", "root.2.sig"]) {
    const args = [
      "-Y",
      "verify",
      "-f",
      join(directory, "root_signers"),
      "-I",
      "root",
      "-n",
      "nixseal-root@v1",
    ];
    const stock = fleet.shell("ssh-keygen", [...args, "-s", join(directory, name)], payload);
    assert.equal(stock.code, 0, stock.output);
    const ours = fleet.run(["ssh", "verify", ...args.slice(2), "-s", join(directory, name)], payload);
    assert.equal(ours.code, 0, ours.stdout);
  }
});

test("what is remembered asks no git, and is there for every clone of the fleet", (context) => {
  const fleet = trustFleet(context);
  fleet.expect(0, "trust", "init");
  const first = readFileSync(fleet.file("trust/root.json"));
  fleet.expect(0, "trust", "rotate", "--expires", "2y");
  writeFileSync(fleet.file("trust/root.json"), first);
  rmSync(fleet.file("trust/root.1.json"));
  appendFileSync(fleet.file(".git/config"), "[broken\n");
  assert.match(fleet.expect(4, "trust", "show"), /older than version 2, seen before/);
  // A rolled back copy elsewhere, by anybody who has no memory of it to bring along.
  cpSync(fleet.directory, `${fleet.directory}-copy`, { recursive: true });
  const copy = ["--fleet", `${fleet.directory}-copy`];
  assert.match(fleet.expect(4, "trust", "show", ...copy), /older than version 2, seen before/);
});

test("a whole other fleet in its place is noticed", (context) => {
  const fleet = trustFleet(context);
  fleet.expect(0, "trust", "init");
  rmSync(fleet.file("trust"), { recursive: true });
  mkdirSync(fleet.file("trust"));
  const other = trustFleet(context);
  other.expect(0, "trust", "init");
  copyFileSync(other.file("trust/root.json"), fleet.file("trust/root.json"));
  assert.match(fleet.expect(4, "trust", "show"), /another root has version 1 than the one that is trusted/);
});

test("a memory inside of the clone makes nothing trusted, and what it has seen is not taken back", (context) => {
  const fleet = trustFleet(context);
  const other = trustFleet(context);
  for (const one of [fleet, other]) one.expect(0, "trust", "init");
  const first = readFileSync(fleet.file("trust/root.json"));
  fleet.expect(0, "trust", "rotate", "--expires", "2y");
  const second = readFileSync(fleet.file("trust/root.json"));
  const former = (root: Uint8Array): void => {
    const { payload } = JSON.parse(Buffer.from(root).toString()) as { payload: string };
    fleet.write(".git/nixseal-trust.json", JSON.stringify({ krl: null, root: payload, time: null }));
  };
  // Planted together with its own fleet: the memory outside decides all the same.
  former(readFileSync(other.file("trust/root.json")));
  copyFileSync(other.file("trust/root.json"), fleet.file("trust/root.json"));
  assert.match(fleet.expect(4, "trust", "show"), /older than version 2, seen before/);
  writeFileSync(fleet.file("trust/root.json"), second);
  assert.match(fleet.expect(4, "trust", "show"), /0 of the 1 signatures of version 1/);
  // Of an honest one the floor stays, and it is taken over.
  forget(fleet);
  former(second);
  writeFileSync(fleet.file("trust/root.json"), first);
  assert.match(fleet.expect(4, "trust", "show"), /older than version 2, seen before/);
  writeFileSync(fleet.file("trust/root.json"), second);
  fleet.expect(0, "trust", "show");
  assert.throws(() => statSync(fleet.file(".git/nixseal-trust.json")), /ENOENT/);
});

test("a memory that others could have written is refused, and a damaged one is not an empty one", (context) => {
  const fleet = trustFleet(context);
  fleet.expect(0, "trust", "init");
  const file = readdirSync(stateOf(fleet)).find((name) => name.startsWith("fleet-"))!;
  const path = join(stateOf(fleet), file);
  chmodSync(path, 0o666);
  assert.match(fleet.expect(4, "trust", "show"), /could have been written by somebody else/);
  chmodSync(path, 0o600);
  chmodSync(stateOf(fleet), 0o777);
  assert.match(fleet.expect(4, "trust", "show"), /could have been written by somebody else/);
  chmodSync(stateOf(fleet), 0o700);
  writeFileSync(path, "{}");
  assert.match(fleet.expect(2, "trust", "show"), /remembered state cannot be read/);
});

test("a root that is rolled back, swapped or removed is noticed by a clone that saw a newer one", (context) => {
  const fleet = trustFleet(context);
  const root = fleet.file("trust/root.json");
  fleet.expect(0, "trust", "init");
  const first = readFileSync(root);
  fleet.expect(0, "trust", "rotate", "--expires", "2y");
  const second = readFileSync(root);
  assert.deepEqual(readFileSync(fleet.file("trust/root.1.json")), first);
  writeFileSync(root, first);
  assert.match(fleet.expect(4, "trust", "show"), /older than version 2, seen before \[root-version\]/);
  rmSync(root);
  assert.match(fleet.expect(4, "trust", "show"), /is gone; version 2 was seen before/);
  assert.match(fleet.expect(2, "trust", "init"), /has a root already/);
  writeFileSync(root, second);
  fleet.expect(0, "trust", "show");

  // Without its memory a clone follows from the first version, and needs every one.
  forget(fleet);
  assert.match(fleet.expect(0, "trust", "show"), /for the first time in this clone/);
  assert.doesNotMatch(fleet.expect(0, "trust", "show"), /for the first time/);
  forget(fleet);
  rmSync(fleet.file("trust/root.1.json"));
  assert.match(fleet.expect(4, "trust", "show"), /version 1 of the root is missing/);
});

test("two fleets in one repository have a memory each", (context) => {
  const fleet = trustFleet(context);
  fleet.expect(0, "trust", "init");
  fleet.expect(0, "trust", "rotate");
  mkdirSync(fleet.file("second"));
  // Two roots of the same second, name and keys would be one root.
  const toml = readFileSync(fleet.file("fleet.toml"), "utf8");
  fleet.write("second/fleet.toml", toml.replace('name = "test"', 'name = "second"'));
  fleet.expect(0, "trust", "init", "--fleet", "second");
  assert.match(fleet.expect(0, "trust", "show", "--fleet", "second"), /root {9}version 1 /);
  assert.match(fleet.expect(0, "trust", "show"), /root {9}version 2 /);
});

test("the root passes from one holder to another with both signatures", (context) => {
  const fleet = trustFleet(context);
  fleet.expect(0, "trust", "init", "--ca-key", `${fleet.key("db")}.pub`);
  const shown = JSON.parse(fleet.expect(0, "trust", "show", "--json")) as {
    root: { rootKeys: { fingerprint: string }[] };
  };
  const alice = shown.root.rootKeys[0]!.fingerprint;
  const swap = ["--add-root-key", `${fleet.key("bob")}.pub`, "--remove-root-key", alice];
  assert.match(
    fleet.expect(0, "trust", "rotate", ...swap),
    /1 of 1 signatures by keys of version 1, 0 of 1 signatures by keys of version 2/,
  );
  assert.match(fleet.expect(0, "trust", "show"), /root\s+version 1 of the fleet test, verified/);
  fleet.expect(0, "trust", "sign", "--yes", "--key", fleet.key("bob"));
  assert.match(fleet.expect(0, "trust", "show"), /version 2 of the fleet test, verified/);
  assert.match(fleet.expect(2, "trust", "rotate"), /no key in ~\/\.ssh is a root key/);
  // A root.next.json that a killed run left behind is no obstacle.
  copyFileSync(fleet.file("trust/root.json"), fleet.file("trust/root.next.json"));
  fleet.expect(0, "trust", "rotate", "--key", fleet.key("bob"));
});

test("a certificate is recorded, holds for stock tools, and falls with a revocation list that cannot be rolled back", (context) => {
  const fleet = trustFleet(context);
  fleet.expect(0, "trust", "init");
  const issue = (...more: string[]) =>
    fleet.run(["trust", "issue", "bob", "--rights", "upload", "--for", "12h", "--json", ...more]);
  const { code, stdout } = issue("--hosts", "tag:edge", "--out", "bob-cert.pub");
  assert.equal(code, 0, stdout);
  const { serial, file, matches } = JSON.parse(stdout) as { serial: string; file: string; matches: string[] };
  assert.deepEqual(matches, ["web"]);
  assert.deepEqual(readFileSync(fleet.file(file)), readFileSync(fleet.file("bob-cert.pub")));
  const shown = fleet.shell("ssh-keygen", ["-L", "-f", "bob-cert.pub"]).output;
  assert.match(shown, new RegExp(`Serial: ${serial}`));
  assert.match(shown, /rights@nixseal UNKNOWN OPTION/);
  assert.equal(issue("--hosts", "nowhere").code, 2);
  assert.equal(issue("--hosts", "web", "--key", `${fleet.key("db")}.pub`).code, 4);
  assert.equal(
    fleet.run(["trust", "issue", "bob", "--rights", "root", "--hosts", "web", "--for", "1h"]).code,
    2,
  );
  assert.equal(
    fleet.run(["trust", "issue", "bob", "--rights", "upload", "--hosts", "web", "--for", "5y"]).code,
    2,
  );

  fleet.expect(0, "trust", "revoke", serial);
  const first = [readFileSync(fleet.file("trust/krl")), readFileSync(fleet.file("trust/krl.sig"))] as const;
  assert.match(fleet.shell("ssh-keygen", ["-Q", "-f", "trust/krl", "bob-cert.pub"]).output, /REVOKED/);
  assert.match(fleet.shell("ssh-keygen", ["-Q", "-f", "trust/krl", `${fleet.key("bob")}.pub`]).output, /ok/);
  fleet.expect(0, "trust", "revoke", "bob");
  assert.match(
    fleet.shell("ssh-keygen", ["-Q", "-f", "trust/krl", `${fleet.key("bob")}.pub`]).output,
    /REVOKED/,
  );
  assert.match(fleet.shell("ssh-keygen", ["-Q", "-f", "trust/krl", "bob-cert.pub"]).output, /REVOKED/);
  assert.equal(issue("--hosts", "web").code, 4);

  const write = ([krl, signature]: readonly [Uint8Array, Uint8Array]): void => {
    writeFileSync(fleet.file("trust/krl"), krl);
    writeFileSync(fleet.file("trust/krl.sig"), signature);
  };
  const second = [readFileSync(fleet.file("trust/krl")), readFileSync(fleet.file("trust/krl.sig"))] as const;
  write(first);
  assert.match(fleet.expect(4, "trust", "show"), /revocation list 1 is older than 2, seen before/);
  write([second[0], first[1]]);
  assert.match(fleet.expect(4, "trust", "show"), /krl-signature/);
  rmSync(fleet.file("trust/krl"));
  assert.match(fleet.expect(4, "trust", "show"), /revocation list is gone/);
  write(second);
  fleet.expect(0, "trust", "show");
});

test("a list by a CA key that went is signed anew, with all that it revoked", (context) => {
  const fleet = trustFleet(context);
  fleet.expect(0, "trust", "init", "--ca-key", `${fleet.key("db")}.pub`);
  fleet.expect(0, "trust", "revoke", `${fleet.key("web")}.pub`, "--ca", fleet.key("db"));
  const shown = JSON.parse(fleet.expect(0, "trust", "show", "--json")) as {
    root: { caKeys: { fingerprint: string }[] };
  };
  const old = shown.root.caKeys[0]!.fingerprint;
  assert.match(
    fleet.expect(0, "trust", "rotate", "--add-ca-key", `${fleet.key("bob")}.pub`, "--remove-ca-key", old),
    /--renew/,
  );
  assert.match(fleet.expect(4, "trust", "show"), /krl-signature/);
  const list = readFileSync(fleet.file("trust/krl"));
  fleet.shell("ssh-keygen", ["-q", "-k", "-z", "9", "-f", "trust/krl", `${fleet.key("alice")}.pub`]);
  assert.match(fleet.expect(4, "trust", "revoke", "--renew", "--ca", fleet.key("bob")), /never seen this/);
  writeFileSync(fleet.file("trust/krl"), list);
  fleet.expect(0, "trust", "revoke", "--renew", "--ca", fleet.key("bob"));
  assert.match(fleet.expect(0, "trust", "show"), /revocations\s+version 2/);
  assert.match(
    fleet.shell("ssh-keygen", ["-Q", "-f", "trust/krl", `${fleet.key("web")}.pub`]).output,
    /REVOKED/,
  );
});

test("keys may be in an agent, for roots and for certificates", (context) => {
  const fleet = trustFleet(context);
  const script = `
    eval "$(ssh-agent -s)" >/dev/null; trap 'ssh-agent -k >/dev/null' EXIT
    ssh-add -q "$1"; mv "$1" "$1.away"
    nixseal trust init && nixseal trust issue alice --rights activate --hosts web --for 1h && nixseal trust revoke bob`;
  const { status, stdout, stderr } = spawnSync("bash", ["-ec", script, "bash", fleet.key("alice")], {
    cwd: fleet.directory,
    env: { ...fleet.env, PATH: `${join(top, "bin")}:${fleet.env["PATH"]}` },
    encoding: "utf8",
    timeout: 60_000,
  });
  assert.equal(status, 0, stdout + stderr);
  assert.match(stdout, /alice may activate/);
  assert.doesNotMatch(stderr, /no passphrase/);
});

test("--passphrase-fd reaches ssh-keygen, and nothing else sees the passphrase", (context) => {
  const fleet = trustFleet(context);
  const key = fleet.key("alice");
  const encrypt = ["-q", "-p", "-P", "", "-N", "correct horse", "-f", key];
  assert.equal(fleet.shell("ssh-keygen", encrypt).code, 0);
  const env = { ...fleet.env, PATH: `${join(top, "bin")}:${fleet.env["PATH"]}` };
  const bash = (script: string) =>
    spawnSync("bash", ["-ec", script], { cwd: fleet.directory, env, encoding: "utf8", timeout: 60_000 });
  assert.match(
    bash("nixseal trust init").stderr,
    /for a key with a passphrase run this in a terminal, give --passphrase-fd/,
  );
  assert.match(bash("nixseal trust init --passphrase-fd 7 7<<< wrong").stderr, /incorrect passphrase/);
  const given = "--passphrase-fd 7 7<<< 'correct horse'";
  for (const verb of [
    "trust init",
    "trust rotate",
    "trust issue alice --rights activate --hosts web --for 1h",
    "trust revoke bob",
  ]) {
    const { status, stdout, stderr } = bash(`nixseal ${verb} ${given}`);
    assert.equal(status, 0, `${verb}: ${stdout}${stderr}`);
    assert.doesNotMatch(stdout + stderr, /horse/);
  }
  // Another holder's turn.
  const bob = fleet.key("bob");
  fleet.shell("ssh-keygen", ["-q", "-p", "-P", "", "-N", "correct horse", "-f", bob]);
  assert.match(
    bash(`nixseal trust rotate --add-root-key ${bob}.pub ${given}`).stdout,
    /0 of 1 signatures by keys of|is the root now/,
  );
  const rotated = bash(`nixseal trust rotate --add-root-key ${fleet.key("db")}.pub --threshold 2 ${given}`);
  assert.match(rotated.stdout, /1 of 2 signatures by keys of version 4/, rotated.stderr);
  assert.match(bash(`nixseal trust sign --yes --key ${bob} ${given}`).stdout, /version 4 is the root now/);
  // For passphrases only: a wrong PIN locks a token after a few.
  const askpass = (prompt: string, hint = "") =>
    bash(
      `SSH_ASKPASS_PROMPT=${hint} ${hint === "" ? "env -u SSH_ASKPASS_PROMPT" : ""} nixseal-askpass '${prompt}' 3<<< x`,
    );
  assert.equal(askpass("Enter passphrase for k: ").stdout, "x\n\n");
  for (const [prompt, hint] of [
    ["Enter PIN for k: "],
    ["Enter passphrase?", "confirm"],
    ["Touch", "none"],
  ] as const)
    assert.equal(askpass(prompt, hint).stdout, "", prompt);
});

test("at a terminal ssh-keygen has it for itself, for a passphrase or a touch", (context) => {
  const fleet = trustFleet(context);
  const env = { ...fleet.env, PATH: `${join(top, "bin")}:${fleet.env["PATH"]}` };
  const command = "nixseal trust init && nixseal trust issue bob --rights commit --hosts web --for 1h";
  const { status, stdout } = spawnSync("script", ["-qec", command, "/dev/null"], {
    cwd: fleet.directory,
    env,
    encoding: "utf8",
    timeout: 60_000,
  });
  assert.equal(status, 0, stdout);
  assert.match(stdout, /Signing file .*message/);
  assert.match(stdout, /bob may commit/);
  assert.match(fleet.expect(0, "trust", "show"), /version 1 of the fleet test, verified/);
});

test("sshd refuses the certificate for a login, and takes one without rights from the same CA", async (context) => {
  const fleet = trustFleet(context);
  fleet.expect(0, "trust", "init");
  fleet.expect(
    0,
    "trust",
    "issue",
    "bob",
    "--rights",
    "upload",
    "--hosts",
    "web",
    "--for",
    "1h",
    "--out",
    "rights-cert.pub",
  );
  const user = spawnSync("id", ["-un"], { encoding: "utf8" }).stdout.trim();
  const port = await sshServer(context, fleet.directory, [fleet.key("web")]);
  fleet.shell("ssh-keygen", [
    "-q",
    "-s",
    fleet.key("alice"),
    "-I",
    "login",
    "-n",
    "bob",
    "-V",
    "+1h",
    `${fleet.key("bob")}.pub`,
  ]);
  writeFileSync(fleet.file("principals"), "bob\n");
  appendFileSync(
    fleet.file("sshd_config"),
    `TrustedUserCAKeys ${fleet.key("alice")}.pub\nAuthorizedPrincipalsFile ${fleet.file("principals")}
AuthorizedKeysFile none\nStrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n`,
  );
  writeFileSync(fleet.file("known"), `[127.0.0.1]:${port} ${fleet.publicKey("web")}\n`);
  const login = (certificate: string): Promise<number | null> => {
    const options = [
      "BatchMode=yes",
      "IdentitiesOnly=yes",
      `UserKnownHostsFile=${fleet.file("known")}`,
      `CertificateFile=${certificate}`,
      "ConnectTimeout=20",
    ];
    const args = [
      "-F",
      "none",
      "-p",
      String(port),
      "-i",
      fleet.key("bob"),
      ...options.flatMap((option) => ["-o", option]),
    ];
    return run("ssh", [...args, `${user}@127.0.0.1`, "true"], fleet.env);
  };
  assert.equal(await login(`${fleet.key("bob")}-cert.pub`), 0);
  // ssh takes the certificate beside the key by itself; without it only the one with rights is left.
  rmSync(`${fleet.key("bob")}-cert.pub`);
  assert.equal(await login(fleet.file("rights-cert.pub")), 255);
});

test("nothing of trust is ever written with more rights than needed, nor left lying about", (context) => {
  const fleet = trustFleet(context);
  fleet.expect(0, "trust", "init");
  fleet.expect(0, "trust", "revoke", "bob");
  for (const name of readdirSync(stateOf(fleet)))
    assert.equal(statSync(join(stateOf(fleet), name)).mode & 0o777, 0o600, name);
  assert.deepEqual(readdirSync(fleet.file("trust")).sort(), ["krl", "krl.sig", "root.json"]);
});

function stateOf(fleet: TrustFleet): string {
  return join(fleet.env["HOME"]!, ".local/state/nixseal/trust");
}

function forget(fleet: TrustFleet): void {
  rmSync(stateOf(fleet), { recursive: true });
}

/** Without blocking: the server of the test runs in this process. */
function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: "ignore", timeout: 30_000 });
    child.on("error", reject);
    child.on("close", resolve);
  });
}
