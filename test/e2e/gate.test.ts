import assert from "node:assert/strict";
import { test } from "node:test";
import { addSystem } from "./gate-system.ts";
import { GateFleet } from "./gate-fleet.ts";
import type { Host } from "./host.ts";

const running = async (host: Host): Promise<string> =>
  (
    await host.run(["readlink", "/run/current-system", "/nix/var/nix/profiles/system", "/boot/default"])
  ).trim();

test("stock clients bring what a warrant names, and it activates", async (t) => {
  const fleet = new GateFleet(t);
  const { host, former } = await fleet.startHost(t);
  const to = `deploy@${host.address}`;
  const first = await addSystem(fleet.store, "first");

  const early = await fleet.store.tryNix("nix", "copy", "--to", `ssh-ng://${to}`, first);
  assert.match(early.stderr, /no warrant names it/);

  const file = await fleet.order(first);
  await fleet.store.nix("nix", "copy", "--to", `ssh-ng://${to}`, first);
  const done = await fleet.gate("activate", file);
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stdout, /^web: active /);
  assert.equal(await running(host), [first, "system-2-link", first].join("\n"));
  console.log(former, done, await host.journal());
});
