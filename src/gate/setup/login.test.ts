import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { top } from "../../../test/console.ts";
import { sshServer } from "../../../test/support/ssh-server.ts";
import { StockNix } from "../../../test/support/stock-nix.ts";
import { temporaryDirectory } from "../../../test/support/temporary.ts";
import { authorizedKeys, keysFile, sshdSettings } from "./login.ts";

const nix = new StockNix();
after(() => nix.remove());

const inNix = (name: string, argument: string): unknown =>
  nix.json(
    "nix-instantiate",
    "--eval",
    "--strict",
    "--json",
    "--expr",
    `import ${join(top, "nix/module/gate", name)} ${argument}`,
  );

test("the NixOS module writes the same lines for sshd", () => {
  const keys = ["ssh-ed25519 AAAA", "sk-ssh-ed25519@openssh.com BBBB"];
  const [agent, authority] = ["/nix/store/x/bin/nixseal-agent", "ssh-rsa CCCC"];
  assert.equal(
    (
      inNix(
        "keys.nix",
        `{ agent = "${agent}"; members = [ { name = "alice"; keys = [ "${keys.join('" "')}" ]; } { name = "ci"; keys = [ ]; } ]; authorities = [ "${authority}" ]; }`,
      ) as string[]
    )
      .map((line) => `${line}\n`)
      .join(""),
    authorizedKeys(
      agent,
      [
        { name: "alice", keys },
        { name: "ci", keys: [] },
      ],
      [authority],
    ),
  );
  assert.equal(inNix("sshd.nix", `{ user = "deploy"; keysFile = "${keysFile}"; }`), sshdSettings("deploy"));
});

/** What sshd(8) would do for a user who connects (`-T -C`). */
function effective(directory: string, user: string): Map<string, string> {
  const config = join(directory, "sshd_config");
  const { status, stdout, stderr } = spawnSync(
    "/usr/sbin/sshd",
    ["-T", "-f", config, "-C", `user=${user},host=client,addr=198.18.0.9`],
    { encoding: "utf8", timeout: 30_000 },
  );
  assert.deepEqual([status, stderr], [0, ""]);
  return new Map(stdout.split("\n").map((line) => [line.split(" ")[0]!, line.slice(line.indexOf(" ") + 1)]));
}

test("sshd gives the deploy user nothing but its forced commands, and others what they had", (context) => {
  const directory = temporaryDirectory(context);
  if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  const key = join(directory, "host_key");
  assert.equal(spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]).status, 0);
  chmodSync(key, 0o600);
  // As NixOS and Debian do: our lines in the middle, an administrator's before or after.
  writeFileSync(
    join(directory, "sshd_config"),
    `AllowTcpForwarding yes
TrustedUserCAKeys ${key}.pub
${sshdSettings("deploy")}HostKey ${key}
PasswordAuthentication yes
AuthorizedKeysFile .ssh/authorized_keys
Match User deploy
  PermitTTY yes
  AuthorizedKeysFile /tmp/keys
`,
  );
  const deploy = effective(directory, "deploy");
  const wanted = {
    authenticationmethods: "publickey",
    authorizedkeysfile: keysFile,
    authorizedkeyscommand: "none",
    trustedusercakeys: "none",
    disableforwarding: "yes",
    permittty: "no",
    permittunnel: "no",
    permituserrc: "no",
    exposeauthinfo: "yes",
  };
  for (const [setting, value] of Object.entries(wanted)) assert.equal(deploy.get(setting), value, setting);
  const alice = effective(directory, "alice");
  const kept = {
    authenticationmethods: "any",
    authorizedkeysfile: ".ssh/authorized_keys",
    trustedusercakeys: `${key}.pub`,
    disableforwarding: "no",
    passwordauthentication: "yes",
    hostkey: key,
  };
  for (const [setting, value] of Object.entries(kept)) assert.equal(alice.get(setting), value, setting);
});

test("over a real sshd: the forced command runs, and the client has no say in its environment", async (context) => {
  const directory = temporaryDirectory(context);
  for (const name of ["host", "alice"])
    assert.equal(
      spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(directory, name)]).status,
      0,
    );
  const agent = join(directory, "agent");
  writeFileSync(
    agent,
    '#!/bin/sh\necho "$@"; env | grep -E "^(NODE|BASH_ENV|ENV|LD_|LC_TEST|SSH_USER_AUTH)"\n',
    { mode: 0o755 },
  );
  const key = readFileSync(`${directory}/alice.pub`, "utf8").split(" ").slice(0, 2).join(" ");
  const keys = join(directory, "keys");
  writeFileSync(keys, authorizedKeys(agent, [{ name: "alice", keys: [key] }], []), { mode: 0o600 });
  const { username } = userInfo();
  const settings = [
    "AcceptEnv *",
    "StrictModes no",
    "UsePAM no",
    sshdSettings(username).replace(keysFile, keys),
  ];
  const port = await sshServer(context, directory, [join(directory, "host")], settings);
  const known = join(directory, "known");
  writeFileSync(known, `[127.0.0.1]:${port} ${readFileSync(`${directory}/host.pub`, "utf8")}`);
  const hostile = {
    NODE_OPTIONS: "--require=/tmp/x",
    BASH_ENV: "/tmp/x",
    LD_PRELOAD: "/tmp/x",
    LC_TEST: "kept",
  };
  const options = [
    `UserKnownHostsFile=${known}`,
    "BatchMode=yes",
    "IdentitiesOnly=yes",
    "SendEnv=NODE_* BASH_ENV LD_* LC_TEST",
  ];
  const login = [
    "-F",
    "/dev/null",
    "-p",
    String(port),
    "-i",
    join(directory, "alice"),
    `${username}@127.0.0.1`,
  ];
  const args = [...options.flatMap((one) => ["-o", one]), ...login, "cat /etc/passwd"];
  // The linker of the client itself must not see it.
  const { LD_PRELOAD, ...env } = hostile;
  const words = ["-c", `LD_PRELOAD=${LD_PRELOAD} exec ssh "$@"`, "sh", ...args];
  const { stdout } = await promisify(execFile)("sh", words, {
    env: { ...process.env, ...env },
    timeout: 30_000,
  });
  const [said, ...lines] = stdout.trim().split("\n");
  assert.equal(said, "receive --member alice");
  const found = new Map(lines.map((one) => [one.split("=")[0]!, one.slice(one.indexOf("=") + 1)]));
  for (const name of ["NODE_OPTIONS", "BASH_ENV", "LD_PRELOAD"]) assert.equal(found.get(name), "", name);
  assert.equal(
    found.get("LC_TEST"),
    "kept",
    "the client's environment does not come at all: this shows nothing",
  );
  assert.ok(found.get("SSH_USER_AUTH"));
});
