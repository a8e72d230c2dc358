/** `nixseal deploy` to a real host to which something happens meanwhile. What needs no machine for it is in deploy.test.ts. */
import assert from "node:assert/strict";
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test, before, after } from "node:test";
import { GateFleet, type GateHost } from "./gate-fleet.ts";
import { all, assertSettled, systemsOf } from "./gate-state.ts";
import { addSystem } from "./gate-system.ts";
import { until } from "./until.ts";

suite("a deployment to a host to which something happens", () => {
  let fleet: GateFleet;
  let at: GateHost;
  let runs: string;
  const undo: (() => unknown)[] = [];
  const later = { after: (work: () => unknown) => void undo.unshift(work) };
  before(async () => {
    fleet = new GateFleet(later);
    at = await fleet.startHost(later, ["--confirm-within", "8"]);
    runs = at.former;
  });
  after(async () => {
    for (const work of undo) await work();
  });

  const succeeds = async (plan: string, system: string): Promise<void> => {
    const { code, stdout, stderr } = await fleet.apply(plan);
    assert.equal(code, 0, stdout + stderr);
    assert.deepEqual(await systemsOf(at.host), all(system));
    runs = system;
  };
  const staysAsItWas = async (): Promise<void> => {
    assert.deepEqual(await systemsOf(at.host), all(runs));
    await assertSettled(fleet, at.host);
  };

  test("its store is full", async () => {
    const next = await addSystem(fleet.store, "roomy");
    const plan = await fleet.plan(next);
    await at.host.run([
      "sh",
      "-ec",
      `mount -t tmpfs -o size=48m,mode=755 tmpfs /mnt
cp -a /nix/. /mnt/
mount --move /mnt /nix
systemctl restart nix-daemon.socket nix-daemon.service`,
    ]);
    await at.host.run(["dd", "if=/dev/zero", "of=/nix/fill", "bs=4k", "status=none"], { codes: [1] });
    const full = await fleet.apply(plan);
    console.log(full);
    assert.equal(full.code, 3, full.stdout + full.stderr);
    assert.match(full.stdout, /no space|full/i);
    await staysAsItWas();
    await at.host.run(["rm", "/nix/fill"]);
    await succeeds(plan, next);
  });
  test("quarantine full", async () => {
    const next = await addSystem(fleet.store, "roomy2");
    const plan = await fleet.plan(next);
    await at.host.run([
      "sh",
      "-ec",
      `mount -t tmpfs -o size=16m,mode=700,uid=$(id -u deploy),gid=$(id -g deploy) tmpfs /var/lib/nixseal/gate/quarantine`,
    ]);
    const full = await fleet.apply(plan);
    console.log(full);
    await at.host.run(["umount", "/var/lib/nixseal/gate/quarantine"]);
    await staysAsItWas();
    await succeeds(plan, next);
  });
  test("state full", async () => {
    const next = await addSystem(fleet.store, "roomy3");
    const plan = await fleet.plan(next);
    await at.host.run([
      "sh",
      "-ec",
      `mount -t tmpfs -o size=600m,mode=755 tmpfs /mnt; cp -a /var/lib/nixseal/gate/. /mnt/; mount --move /mnt /var/lib/nixseal/gate; mount -t tmpfs -o size=600m,mode=700,uid=$(id -u deploy),gid=$(id -g deploy) tmpfs /var/lib/nixseal/gate/quarantine`,
    ]);
    await at.host.run(["dd", "if=/dev/zero", "of=/var/lib/nixseal/gate/fill", "bs=4k", "status=none"], { codes: [1] });
    const full = await fleet.apply(plan);
    console.log(full);
    await at.host.run(["rm", "/var/lib/nixseal/gate/fill"]);
    await staysAsItWas();
    await succeeds(plan, next);
  });
  test("clock", async () => {
    await at.host.copyIn("/etc/skew.cjs", `
const seconds = Number(require("node:fs").readFileSync("/etc/skew", "utf8"));
const Real = Date;
globalThis.Date = class extends Real {
  constructor(...given) {
    if (given.length === 0) super(Real.now() + seconds * 1000);
    else super(...given);
  }
  static now() { return Real.now() + seconds * 1000; }
};`);
    await at.host.copyIn("/usr/local/bin/nixseal-agent", `#!/bin/sh\nNODE_OPTIONS=--require=/etc/skew.cjs exec /opt/nixseal/bin/nixseal-agent "$@"\n`, 0o755);
    await at.host.run(["systemctl", "set-environment", "NODE_OPTIONS=--require=/etc/skew.cjs"]);
    for (const skew of [365 * 86400, -365 * 86400]) {
      await at.host.copyIn("/etc/skew", String(skew));
      const next = await addSystem(fleet.store, "skew");
      const plan = await fleet.plan(next);
      const full = await fleet.apply(plan);
      console.log(full);
      await at.host.copyIn("/etc/skew", "0");
      await staysAsItWas();
      await succeeds(plan, next);
    }
  });
  test("collected", async () => {
    const next = await addSystem(fleet.store, "collected");
    const plan = await fleet.plan(next);
    const order = JSON.parse(readFileSync(plan, "utf8")).hosts[0].warrant.file;
    await fleet.nixseal("warrant", "sign", join(fleet.directory, order), "--yes");
    await fleet.nixseal("gate", "offer", join(fleet.directory, order), "-i", fleet.key("alice"));
    await fleet.store.nix("nix", "copy", "--to", `ssh-ng://deploy@${at.host.address}`, next);
    await at.host.run(["nix-store", "--gc"]);
    console.log(await fleet.gate("activate", join(fleet.directory, order)));
    await succeeds(plan, next);
  });
  test("reboot", async () => {
    writeFileSync(join(fleet.directory, "slow"), `#!/bin/sh\ntouch ${fleet.base}/checking\nuntil [ -e ${fleet.base}/go ]; do sleep 0.05; done\n`);
    chmodSync(join(fleet.directory, "slow"), 0o755);
    const toml = readFileSync(join(fleet.directory, "fleet.toml"), "utf8");
    writeFileSync(join(fleet.directory, "fleet.toml"), toml + '\n[[deploy.checks]]\ncommand = ["./slow"]\n');
    for (const how of ["reboot", "cut"]) {
    const next = await addSystem(fleet.store, "rebooted");
    const plan = await fleet.plan(next);
    const applying = fleet.apply(plan);
    await until("it is checked", 30_000, () => existsSync(join(fleet.base, "checking")) || undefined);
    rmSync(join(fleet.base, "checking"));
    if (how === "reboot") await at.host.reboot(); else { await at.host.powerCut(); await at.host.start(); }
    writeFileSync(join(fleet.base, "go"), "");
    const t0 = Date.now();
    console.log(await applying, Date.now() - t0);
    await staysAsItWas();
    await succeeds(plan, next);
    rmSync(join(fleet.base, "go"));
    rmSync(join(fleet.base, "checking"));
    }
    writeFileSync(join(fleet.directory, "fleet.toml"), toml);
  });
  test("the new system takes the network away", async () => {
    const cutting = await addSystem(fleet.store, "cutting", { onTest: "ip link set host0 down" });
    const plan = await fleet.plan(cutting);
    console.log(await fleet.apply(plan));
    await staysAsItWas();
  });
});
