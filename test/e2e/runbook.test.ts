/** What docs/runbook.md says, done (see test/support/deploy-lab.ts). */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DeployLab } from "../support/deploy-lab.ts";

interface Shown {
  readonly root: { readonly caKeys: readonly { readonly fingerprint: string }[] };
}

const rights = ["--rights", "activate,upload", "--hosts", "*", "--for", "12h"];

test("the state, a member, the CA and all root keys are lost, one after the other, and the host is deployed to again", async (t) => {
  const lab = await DeployLab.make(t, ["web"], { gate: { confirm: null } });
  const web = lab.host("web");
  const deploy = (name: string) => lab.deploy("web", "--toplevel", lab.system(name));
  const succeeds = async (name: string): Promise<void> => {
    const { code, stdout, stderr } = await deploy(name);
    assert.equal(code, 0, stdout + stderr);
    assert.equal(web.running(), lab.system(name));
  };
  /** Another CA in place of the one that there is, and a certificate of it. */
  const newCa = async (name: string): Promise<void> => {
    const file = join(lab.directory, name);
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", file]);
    const { root } = JSON.parse(await lab.must("trust", "show", "--json")) as Shown;
    const former = root.caKeys[0]!.fingerprint;
    await lab.must("trust", "rotate", "--add-ca-key", `${file}.pub`, "--remove-ca-key", former);
    const refused = await deploy(name);
    assert.equal(refused.code, 4, refused.stdout);
    const isListed = fs.existsSync(join(lab.fleet, "trust/krl"));
    assert.match(refused.stderr, isListed ? /trust revoke --renew/ : /is no CA of root version/);
    if (isListed) await lab.must("trust", "revoke", "--renew", "--ca", file);
    await lab.must("trust", "issue", "alice", ...rights, "--ca", file);
  };
  await succeeds("first-order");

  fs.rmSync(join(lab.directory, "state"), { recursive: true });
  await succeeds("state-lost");

  await newCa("first-ca");
  await succeeds("ca-lost");
  await lab.must("trust", "revoke", "bob", "--ca", join(lab.directory, "first-ca"));
  await succeeds("member-lost");
  const status = await lab.must("gate", "status", "web", "--json", "-i", lab.keyOf("alice"));
  assert.equal((JSON.parse(status) as { status: { krl: string | null } }).status.krl, "1");

  await newCa("second-ca");
  await succeeds("ca-lost-again");

  fs.rmSync(join(lab.fleet, "trust"), { recursive: true });
  fs.rmSync(join(lab.directory, "home/.local/state/nixseal/trust"), { recursive: true });
  await lab.must("trust", "init");
  await lab.must("trust", "issue", "alice", ...rights);
  const refused = await deploy("root-lost");
  assert.equal(refused.code, 3, refused.stdout);
  assert.match(refused.stdout, /root/);
  fs.copyFileSync(join(lab.fleet, "trust/root.json"), join(web.root, "etc/nixseal/root.json"));
  for (const name of ["trust.json", "state.json"]) fs.rmSync(join(web.root, "var/lib/nixseal/gate", name));
  await succeeds("root-lost");
  assert.match(await lab.must("log", "verify"), /sound/);
});
