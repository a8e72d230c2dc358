import assert from "node:assert/strict";
import { test } from "node:test";
import { GateFleet } from "./gate-fleet.ts";
import { all, assertSettled, systemsOf, untilConfirming } from "./gate-state.ts";
import { addSystem } from "./gate-system.ts";

const partly = 3;

test("what nobody confirms, what is not healthy and what cuts the network is undone", async (t) => {
  const fleet = new GateFleet(t);
  const { host, former } = await fleet.startHost(t, ["--confirm-within", "8"]);
  const next = await addSystem(fleet.store, "next");
  const file = await fleet.deliver(host, next);
  const isBack = async (): Promise<void> => {
    assert.deepEqual(await systemsOf(host), all(former));
    await assertSettled(fleet, host);
  };

  await t.test("nobody confirms", async () => {
    const { code, stderr } = await fleet.gate("activate", file, "--confirm", "later");
    assert.equal(code, partly, stderr);
    assert.match(stderr, /nobody confirmed it in time[^]* \[reverted\]$/m);
    await isBack();
  });

  await t.test("a member without the right to activate confirms", async () => {
    const activating = fleet.gate("activate", file, "--confirm", "later");
    await untilConfirming(host);
    const confirmed = await fleet.gate("confirm", file, "--key", fleet.key("mallory"));
    assert.equal(confirmed.code, 4, confirmed.stderr);
    assert.equal((await activating).code, partly);
    await isBack();
  });

  await t.test("a health check fails", async () => {
    await host.copyIn("/run/unhealthy", "");
    const { code, stderr } = await fleet.gate("activate", file);
    assert.equal(code, partly, stderr);
    assert.match(stderr, /the health check '\/usr\/local\/bin\/healthy' failed: exit code 1/);
    await isBack();
    await host.run(["rm", "/run/unhealthy"]);
  });

  await t.test("the new system takes the network away", async () => {
    const cutting = await addSystem(fleet.store, "cutting", { onTest: "ip link set host0 down" });
    const order = await fleet.deliver(host, cutting);
    const { code, stderr } = await fleet.gate("activate", order);
    assert.equal(code, partly, stderr);
    assert.match(stderr, /\[reverted\]/);
    assert.match(await host.run(["cat", "/var/log/switches"]), /test cutting\ntest former\n$/);
    await isBack();
  });
});
