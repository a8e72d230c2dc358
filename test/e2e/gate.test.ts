import assert from "node:assert/strict";
import { test } from "node:test";
import { GateFleet } from "./gate-fleet.ts";

test("explore", async (t) => {
  const fleet = new GateFleet(t);
  const web = await fleet.startHost(t, "web");
  for (const cmd of process.env["EXPLORE"]!.split(";;")) {
    const r = await web.attempt(["bash", "-c", cmd]);
    console.log(`--- ${cmd}\n${r.stdout}${r.stderr}[${r.code}]`);
  }
  const lib = await fleet.store.add("lib", { "lib/x": "x" });
  const sys = await fleet.store.add(
    "nixos-system-web",
    { "bin/switch-to-configuration": "#!/bin/sh\necho $0 $1\n", nixos: lib },
    [lib],
  );
  console.log(await fleet.warrant("web", sys));
  for (const m of ["alice", "mallory"] as const) console.log(await fleet.ssh(m, web, ["uname", "-n"]));
  for (const to of [`ssh-ng://deploy@${web.address}`, `ssh://deploy@${web.address}`])
    console.log(await fleet.store.tryNix("nix", "copy", "--to", to, sys));
  console.log(await web.journal());
  assert.ok(true);
});
