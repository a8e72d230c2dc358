/** `nixseal deploy` to a real host to which something happens meanwhile. What needs no machine for it is in deploy.test.ts. */
import assert from "node:assert/strict";
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test, before, after } from "node:test";
import { clockFiles, setClockApart } from "./clock.ts";
import type { Result } from "./command.ts";
import { GateFleet, type GateHost } from "./gate-fleet.ts";
import { all, assertSettled, systemsOf } from "./gate-state.ts";
import { addSystem } from "./gate-system.ts";
import { until } from "./until.ts";

const year = 365 * 86_400;
const gateState = "/var/lib/nixseal/gate";

suite("a deployment to a host to which something happens", () => {
  let fleet: GateFleet;
  let at: GateHost;
  let runs: string;
  const undo: (() => unknown)[] = [];
  const later = { after: (work: () => unknown) => void undo.unshift(work) };
  before(async () => {
    fleet = new GateFleet(later);
    at = await fleet.startHost(later, ["--confirm-within", "8"]);
    for (const [path, content] of Object.entries(clockFiles))
      await at.host.copyIn(path, content, content.startsWith("#!") ? 0o755 : 0o644);
    await setClockApart(at.host, 0);
    await succeeds(...(await planned("first")));
  });
  after(async () => {
    for (const work of undo) await work();
  });

  /** A plan, and the system that it is for. */
  const planned = async (
    name: string,
    onTest = "ip link set host0 up",
  ): Promise<[plan: string, system: string]> => {
    const system = await addSystem(fleet.store, name, { onTest });
    return [await fleet.plan(system), system];
  };
  const succeeds = async (plan: string, system: string): Promise<void> => {
    const { code, stdout, stderr } = await fleet.apply(plan);
    assert.equal(code, 0, stdout + stderr);
    assert.deepEqual(await systemsOf(at.host), all(system));
    runs = system;
  };
  /** It failed with this reason, and the host is as it was. */
  const failed = async ({ code, stdout, stderr }: Result, why: RegExp): Promise<void> => {
    assert.equal(code, 3, stdout + stderr);
    assert.match(stdout, why);
    assert.match(stdout, /^web +failed/m);
    assert.deepEqual(await systemsOf(at.host), all(runs));
    await assertSettled(fleet, at.host);
  };
  /** With a small disk of its own in that place while `work` runs. */
  const onSmallDisk = async (place: string, size: string, work: () => Promise<void>): Promise<void> => {
    const script = `mount -t tmpfs -o size=${size},mode=755 tmpfs /mnt; cp -a ${place}/. /mnt/; mount --bind /mnt ${place}`;
    await at.host.run(["systemctl", "stop", "nix-daemon.socket", "nix-daemon.service"]);
    await at.host.run(["sh", "-ec", script]);
    await at.host.run(["systemctl", "start", "nix-daemon.socket"]);
    await work();
  };
  const fill = (place: string): Promise<string> =>
    at.host.run(["dd", "if=/dev/zero", `of=${place}/fill`, "bs=4k", "status=none"], { codes: [1] });

  test("its clock is a year ahead, or behind: what it refuses, and why", async () => {
    for (const [seconds, code] of [
      [year, "root-expired"],
      [-year, "not-yet-valid"],
    ] as const) {
      const [plan, system] = await planned(code);
      await setClockApart(at.host, seconds);
      await failed(await fleet.apply(plan), new RegExp(`\\[${code}\\]; its clock says 20.*, here it is 20`));
      await setClockApart(at.host, 0);
      await succeeds(plan, system);
    }
  });

  test("what was copied survives a collection; what was deleted all the same is named, and sent again", async () => {
    const [plan, system] = await planned("collected");
    const { hosts } = JSON.parse(readFileSync(plan, "utf8")) as { hosts: { warrant: { file: string } }[] };
    const order = join(fleet.directory, hosts[0]!.warrant.file);
    await fleet.nixseal("warrant", "sign", order, "--yes");
    await fleet.nixseal("gate", "offer", order, "-i", fleet.key("alice"));
    await fleet.store.nix("nix", "copy", "--to", `ssh-ng://deploy@${at.host.address}`, system);
    const left = async (): Promise<number> =>
      (await at.host.attempt(["nix-store", "--check-validity", system])).code;
    await at.host.run(["nix-store", "--gc"]);
    assert.equal(await left(), 0);
    await at.host.run(["nix-store", "--delete", "--ignore-liveness", system]);
    assert.notEqual(await left(), 0);
    const refused = await fleet.gate("activate", order);
    assert.equal(refused.code, 4, refused.stderr);
    assert.match(refused.stderr, /send the closure/);
    assert.ok(refused.stderr.includes(system), refused.stderr);
    await succeeds(plan, system);
  });

  test("it starts anew while it waits for its confirmation", async () => {
    const [checking, go] = [join(fleet.base, "checking"), join(fleet.base, "go")];
    const script = `#!/bin/sh\ntouch ${checking}\nuntil [ -e ${go} ]; do sleep 0.05; done\n`;
    writeFileSync(join(fleet.directory, "check"), script, { mode: 0o755 });
    appendFileSync(join(fleet.directory, "fleet.toml"), '\n[[deploy.checks]]\ncommand = ["./check"]\n');
    for (const [name, restart] of [
      ["rebooted", () => at.host.reboot()],
      ["cut", () => at.host.powerCut().then(() => at.host.start())],
    ] as const) {
      const [plan, system] = await planned(name);
      const applying = fleet.apply(plan);
      await until("it is checked", 30_000, () => (existsSync(checking) ? true : undefined));
      await restart();
      await setClockApart(at.host, 0);
      writeFileSync(go, "");
      await failed(await applying, /the connection was lost .*, and the host has its former system/);
      await succeeds(plan, system);
      for (const file of [checking, go]) rmSync(file);
    }
    writeFileSync(join(fleet.directory, "check"), "#!/bin/sh\n", { mode: 0o755 });
  });

  test("the new system takes its network away", async () => {
    const [plan] = await planned("cutting", "ip link set host0 down");
    await failed(await fleet.apply(plan), /former system/);
  });

  test("its disk is full: for uploads, for the gate's own state, in the store", async () => {
    await onSmallDisk(gateState, "16m", async () => {
      const [plan] = await planned("no-upload");
      await failed(await fleet.apply(plan), /copying failed: .*no space left .* on the host/);
      await fill(gateState);
      const [next] = await planned("no-offer");
      const { code, stdout } = await fleet.apply(next);
      assert.equal(code, 3, stdout);
      assert.match(stdout, /\/var\/lib\/nixseal\/gate\/pending\S*: no space left on the device/);
      assert.deepEqual(await systemsOf(at.host), all(runs));
    });
    await at.host.run(["umount", gateState]);
    await at.host.run(["umount", "/mnt"]);
    await onSmallDisk("/nix", "64m", async () => {
      const [plan, system] = await planned("no-store");
      await fill("/nix");
      await failed(
        await fleet.apply(plan),
        /copying failed: .* was received and not imported: .*no space left/i,
      );
      await at.host.run(["rm", "/nix/fill"]);
      await succeeds(plan, system);
    });
  });
});
