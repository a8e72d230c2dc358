import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { GateFleet } from "./gate-fleet.ts";
import { all, systemsOf } from "./gate-state.ts";
import { addSystem } from "./gate-system.ts";
import type { Host } from "./host.ts";

const asDeploy = ["setpriv", "--reuid=deploy", "--regid=deploy", "--init-groups", "--reset-env", "--"];

async function isActive(host: Host, unit: string): Promise<boolean> {
  return (await host.attempt(["systemctl", "is-active", "--quiet", unit])).code === 0;
}

test("the deploy user reaches the gate and nothing else", async (t) => {
  const fleet = new GateFleet(t);
  const { host } = await fleet.startHost(t);
  const to = `deploy@${host.address}`;

  await t.test("no shell, no files, no tunnel, no other member's name", async () => {
    for (const command of [
      [],
      ["bash"],
      ["nix-store", "--gc"],
      ["scp", "-t", "/tmp"],
      ["nixseal-gate", "import"],
    ]) {
      const { code, stdout, stderr } = await fleet.ssh("ci", host, command);
      assert.equal(code, 4, command.join(" "));
      assert.equal(stdout, "");
      assert.match(
        stderr,
        /no shell|not one that the deploy user may give|nixseal-gate takes/,
        command.join(" "),
      );
    }
    const tunnel = await fleet.sshWith("ci", ["-W", "127.0.0.1:22", to]);
    assert.notEqual(tunnel.code, 0);
    assert.match(tunnel.stderr, /administratively prohibited|forwarding/);
    const sftp = await fleet.sshWith("ci", ["-s", to, "sftp"]);
    assert.notEqual(sftp.code, 0);
  });

  await t.test("its account owns nothing but the quarantine", async () => {
    const owned = await host.run(["find", "/", "-xdev", "-user", "deploy", "-not", "-path", "/proc/*"]);
    for (const path of owned.trim().split("\n"))
      assert.match(path, /^\/(?:var\/lib\/nixseal\/gate\/quarantine|run\/user|tmp|sys)(?:\/|$)/);
    for (const path of [
      "/var/lib/nixseal/x",
      "/var/lib/nixseal/gate/x",
      "/etc/nixseal/x",
      "/nix/var/nix/gcroots/nixseal/x",
    ]) {
      const { code } = await host.attempt([...asDeploy, "touch", path]);
      assert.notEqual(code, 0, path);
    }
  });
});

test("by sudo it is one command without arguments of the caller's, and a deployment works", async (t) => {
  const fleet = new GateFleet(t);
  const { host } = await fleet.startHost(t, ["--privilege", "sudo"]);
  assert.equal(await isActive(host, "nixseal-gate.socket"), false);
  const system = await addSystem(fleet.store, "sudo");
  const file = await fleet.deliver(host, system);
  const { code, stderr } = await fleet.gate("activate", file);
  assert.equal(code, 0, stderr);
  assert.deepEqual(await systemsOf(host), all(system));

  const sudo = (...words: string[]) =>
    host.attempt([...asDeploy, "sudo", "-n", ...words], { input: '{"kind":"status"}\n' });
  assert.equal((await sudo("nixseal-agent", "activate")).code, 0);
  const agent = "/usr/local/bin/nixseal-agent";
  const refused: readonly (readonly string[])[] = [
    [agent, "activate", "--console", system],
    [agent, "activate", "--root", "/tmp"],
    [agent, "secrets", "install"],
    [agent],
    ["NODE_OPTIONS=--require=/tmp/x.js", agent, "activate"],
    ["-u", "nobody", agent, "activate"],
    ["nix-env", "-p", "/nix/var/nix/profiles/system", "--set", system],
    [`${system}/bin/switch-to-configuration`, "switch"],
    ["true"],
  ];
  for (const words of refused) {
    const { code: exit, stderr: said } = await sudo(...words);
    assert.equal(exit, 1, words.join(" "));
    assert.match(said, /password is required|not allowed/, words.join(" "));
  }
});

test("stage 0: a certificate brings paths into the store, nothing activates through the gate", async (t) => {
  const fleet = new GateFleet(t);
  const { host, former } = await fleet.startHost(t, ["--mode", "certificates"]);
  const system = await addSystem(fleet.store, "stage-zero");
  const copy = ["nix", "copy", "--to", `ssh-ng://deploy@${host.address}`, system];
  const isValid = async (): Promise<boolean> =>
    (await host.attempt(["nix-store", "--check-validity", system])).code === 0;
  const strange = await fleet.storeAs("ci").tryNix(...copy);
  assert.match(strange.stderr, /certificate/);
  assert.equal(await isValid(), false);

  const shown = await fleet.ssh(
    "ci",
    host,
    ["nixseal-gate", "present"],
    readFileSync(fleet.certificateOf("ci")),
  );
  assert.equal(shown.code, 0, shown.stderr);
  await fleet.storeAs("ci").nix(...copy);
  assert.equal(await isValid(), true);
  const told = await fleet.ssh("alice", host, [
    `sudo nix-env -p /nix/var/nix/profiles/system --set ${system}`,
  ]);
  assert.match(told.stderr, /mode 'certificates'/);
  assert.deepEqual(await systemsOf(host), all(former));
});
