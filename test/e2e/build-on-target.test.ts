/** A host's system is built in its own store by an ordinary account of the caller's, and activated by the gate like any other. */
import assert from "node:assert/strict";
import { appendFileSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { userInfo } from "node:os";
import { test } from "node:test";
import { DeployLab } from "../support/deploy-lab.ts";

test("what was built on the target is ordered by its hashes, and not sent there or back", async (t) => {
  const lab = await DeployLab.make(t, ["web"], { gate: { confirm: null } });
  const web = lab.host("web");
  // An account beside the gate's: bob's key gets the daemon of the host's store.
  const conf = join(lab.directory, "builder-conf");
  mkdirSync(conf);
  writeFileSync(
    join(conf, "nix.conf"),
    "build-users-group =\nsubstituters =\nsandbox-paths = /bin /lib /lib64 /usr\n",
  );
  const daemon = `env -u NIX_STATE_DIR PATH=${process.env["PATH"]} HOME=${web.root} NIX_CONF_DIR=${conf} NIX_REMOTE=${web.root} nix-daemon --stdio`;
  const bob = readFileSync(`${lab.keyOf("bob")}.pub`, "utf8");
  appendFileSync(join(web.root, "authorized_keys"), `restrict,command="${daemon}" ${bob}`);
  const port = /port = ([0-9]+)/.exec(readFileSync(join(lab.fleet, "fleet.toml"), "utf8"))![1]!;
  writeFileSync(
    join(lab.directory, "ssh_config"),
    `Host at-web\n  HostName 127.0.0.1\n  Port ${port}\n  User ${userInfo().username}\n  IdentityFile ${lab.keyOf("bob")}\n  IdentitiesOnly yes\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n`,
  );
  // ssh takes its configuration from the account's home, not from $HOME: what includes that one gets this one.
  const programs = join(lab.directory, "programs");
  mkdirSync(programs);
  const config = join(lab.directory, "ssh_config");
  writeFileSync(
    join(programs, "ssh"),
    `#!/bin/sh
before=
for word in "$@"; do
  if [ "$before" = -F ]; then
    sed -i 's,^Include ~/.ssh/config,Include ${config},' "$word"
    exec /usr/bin/ssh "$@"
  fi
  before=$word
done
case $* in
  *at-web*) exec /usr/bin/ssh -F ${config} "$@" ;;
  *) exec /usr/bin/ssh "$@" ;;
esac
`,
    { mode: 0o755 },
  );
  lab.env["PATH"] = `${programs}:${lab.env["PATH"]}`;
  lab.env["NIX_CONF_DIR"] = conf;
  // Derivations are evaluated into the operator's store, which stands in the place of /nix.
  lab.env["NIX_REMOTE"] = lab.builder.directory;

  const script = readFileSync(join(web.root, web.running(), "bin/switch-to-configuration"), "utf8");
  const file = join(lab.directory, "systems.nix");
  const build =
    "/bin/mkdir -p $out/bin; /bin/cp $script $out/bin/switch-to-configuration; /bin/chmod 755 $out/bin/switch-to-configuration";
  writeFileSync(
    file,
    `{ web = derivation { name = "nixos-system-web-built"; system = "x86_64-linux"; builder = "/bin/sh";
      script = builtins.toFile "script" ${nixString(script)}; args = [ "-c" ${nixString(build)} ]; }; }`,
  );
  const words = ["web", "--file", file, "--builder", "ssh-ng://at-{host}", "--identity", lab.keyOf("alice")];
  const { code, stdout, stderr } = await lab.run("deploy", "apply", ...words, "--yes");
  assert.equal(code, 0, stderr + stdout);
  assert.match(web.running(), /-nixos-system-web-built$/);
  assert.equal(existsSync(join(lab.builder.directory, web.running())), false, "it was never here");
  const status = await lab.must("deploy", "status", "web", "--identity", lab.keyOf("alice"));
  assert.match(status, /web +current/);
  const ledger = join(web.root, "var/lib/nixseal/gate/ledger");
  const records = existsSync(ledger) ? readdirSync(ledger) : [];
  assert.deepEqual(records, [], "the gate let nothing in: it was there");
});

function nixString(text: string): string {
  return JSON.stringify(text).replaceAll("${", "\\${");
}
