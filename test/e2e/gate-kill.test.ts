import assert from "node:assert/strict";
import { test } from "node:test";
import { GateFleet } from "./gate-fleet.ts";
import { all, assertSettled, systemsOf, untilConfirming, untilThere } from "./gate-state.ts";
import { addSystem } from "./gate-system.ts";

test("kill -9 of what drives an activation: another takes it up, back or on", async (t) => {
  const fleet = new GateFleet(t);
  const { host, former } = await fleet.startHost(t, ["--confirm-within", "20"]);
  const next = await addSystem(fleet.store, "next");
  const file = await fleet.deliver(host, next);
  const units = "nixseal-activation-*.service";

  const endsIn = async (system: string): Promise<void> => {
    const over = "while [ -e /var/lib/nixseal/gate/activation.json ]; do sleep 0.1; done";
    await host.run(["sh", "-c", over], { timeout: 60_000 });
    assert.deepEqual(await systemsOf(host), all(system));
    // One that failed is not active any more, and a moment later not loaded.
    const loaded = `systemctl list-units --all --plain --no-legend '${units}'`;
    await host.run(["sh", "-c", `until [ -z "$(${loaded})" ]; do sleep 0.1; done`], { timeout: 60_000 });
    await assertSettled(fleet, host);
    // A script that hung belongs to the unit, and has gone with it.
    assert.equal((await host.attempt(["pgrep", "-f", "bin/[s]witch-to-configuration"])).code, 1);
  };
  const kill = async (): Promise<void> => {
    await host.run(["systemctl", "kill", "--signal=KILL", "--kill-whom=main", units]);
  };
  const killAt = async (point: string): Promise<void> => {
    await host.run(["rm", "-f", "/run/paused"]);
    await host.copyIn("/run/pause", point);
    const activating = fleet.gate("activate", file);
    await untilThere(host, "/run/paused");
    await host.run(["rm", "/run/pause"]);
    await kill();
    const { code } = await activating;
    assert.ok(code !== 0 && code !== 70, String(code));
  };

  for (const point of ["next test-before", "next test-after", "any health"])
    await t.test(`at ${point}: back`, async () => {
      await killAt(point);
      await endsIn(former);
    });

  await t.test("while it waits for its confirmation: back, when nobody confirms", async () => {
    const activating = fleet.gate("activate", file, "--confirm", "later");
    await untilConfirming(host);
    await kill();
    await endsIn(former);
    assert.notEqual((await activating).code, 0);
  });

  await t.test("a confirmation that is refused does not wait for another's deadline", async () => {
    const activating = fleet.gate("activate", file, "--confirm", "later");
    await untilConfirming(host);
    const { code } = await fleet.gate("confirm", file, "--key", fleet.key("mallory"));
    assert.equal(code, 4);
    // It has come back while the other one still waits.
    await host.run(["grep", "--quiet", "confirming", "/var/lib/nixseal/gate/activation.json"]);
    await activating;
    await endsIn(former);
  });

  await t.test("after it was confirmed: on", async () => {
    await killAt("next boot-before");
    await endsIn(next);
  });
});
