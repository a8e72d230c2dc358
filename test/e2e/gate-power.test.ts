import assert from "node:assert/strict";
import { test } from "node:test";
import type { Result } from "./command.ts";
import { GateFleet } from "./gate-fleet.ts";
import { all, assertSettled, systemsOf, untilConfirming, untilThere } from "./gate-state.ts";
import { addSystem } from "./gate-system.ts";

test("a power cut at any step of an activation boots the former system or the new one, and the state is whole", async (t) => {
  const fleet = new GateFleet(t);
  const { host, former } = await fleet.startHost(t, ["--confirm-within", "60"]);
  const next = await addSystem(fleet.store, "next");
  const forward = await fleet.deliver(host, next);
  const cutShort: Promise<Result>[] = [];
  const activate = (file: string, ...words: string[]): void =>
    void cutShort.push(fleet.gate("activate", file, ...words));

  /** Cuts when the host says that it has come to this point, and boots it again. */
  const cut = async (when: string, boots: string): Promise<void> => {
    await untilThere(host, when);
    await host.powerCut();
    await host.start();
    assert.deepEqual(await systemsOf(host), all(boots));
    await assertSettled(fleet, host);
  };
  const pauseAt = (point: string): Promise<void> => host.copyIn("/run/pause", point);

  for (const point of ["next test-before", "next test-after", "any health", "next boot-before"]) {
    await pauseAt(point);
    activate(forward);
    await cut("/run/paused", former);
  }

  activate(forward, "--confirm", "later");
  await untilConfirming(host);
  await cut("/var/lib/nixseal/gate/activation.json", former);

  // On the way back, too.
  for (const point of ["former test-before", "former test-after"]) {
    await pauseAt(point);
    await host.copyIn("/run/unhealthy", "");
    activate(forward);
    await cut("/run/paused", former);
  }

  await pauseAt("next boot-after");
  activate(forward);
  await cut("/run/paused", next);

  const back = await fleet.order(former);
  await pauseAt("former boot-after");
  activate(back);
  await cut("/run/paused", former);

  // At no certain point behind the boot entry: while the outcome is written down.
  const again = await fleet.order(next);
  activate(again);
  await host.run(["sh", "-c", `until [ "$(readlink /boot/default)" = ${next} ]; do sleep 0.01; done`]);
  await cut("/boot/default", next);

  for (const { code } of await Promise.all(cutShort)) assert.notEqual(code, 70);
});
