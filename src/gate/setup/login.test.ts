import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { top } from "../../../test/console.ts";
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
