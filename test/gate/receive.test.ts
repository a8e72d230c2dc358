import assert from "node:assert/strict";
import * as fs from "node:fs";
import { test } from "node:test";
import { ReceivingGate } from "../support/receiving-gate.ts";

const ways: readonly (readonly [
  string,
  (gate: ReceivingGate, path: string) => readonly [string, ...string[]],
])[] = [
  ["nix copy --to ssh://", ({ address }, path) => ["nix", "copy", "--to", `ssh://${address}`, path]],
  ["nix copy --to ssh-ng://", ({ address }, path) => ["nix", "copy", "--to", `ssh-ng://${address}`, path]],
  ["nix-copy-closure --to", ({ address }, path) => ["nix-copy-closure", "--to", address, path]],
];

for (const [name, argv] of ways)
  test(`${name}: what a warrant names comes into the store, and nothing else does`, async (context) => {
    const gate = await ReceivingGate.make(context);
    await gate.listen(context);
    const { builder, host } = gate;
    const leaf = builder.add("leaf", { "bin/tool": "#!/bin/sh\n" });
    const system = builder.add("system", { "bin/switch-to-configuration": "", leaf }, [leaf]);
    await gate.offer(system);
    const [tool, ...args] = argv(gate, system);
    const { stderr } = await builder.runAside(tool, ...args);
    assert.ok(host.has(leaf) && host.has(system), stderr);
    for (const path of [leaf, system]) {
      const [sent, stored] = [builder.info(path), host.info(path)];
      assert.deepEqual([stored.narHash, stored.narSize], [sent.narHash, sent.narSize]);
      assert.deepEqual(stored.references, sent.references);
      assert.equal(stored.ultimate, false);
      host.run("nix-store", ["--verify-path", path]);
    }
    assert.deepEqual(
      fs.readdirSync(gate.paths.quarantine).filter((entry) => entry.endsWith(".nar")),
      [],
    );
    const again = await builder.runAside(tool, ...args);
    assert.doesNotMatch(again.stderr, /copying path/);

    const planted = builder.add("sudo", "planted");
    const [, ...other] = argv(gate, planted);
    await assert.rejects(builder.runAside(tool, ...other), /no warrant names it/);
    assert.ok(!host.has(planted));
  });
