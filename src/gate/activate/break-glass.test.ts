import assert from "node:assert/strict";
import * as fs from "node:fs";
import { suite, test } from "node:test";
import { GateHost } from "../../../test/support/gate-host.ts";
import { all, outcomeOf, told } from "../../../test/support/gate-orders.ts";
import { readActive } from "../pending.ts";
import { activateAtConsole } from "./break-glass.ts";
import type { Gate } from "./gate.ts";

suite("at the console", () => {
  test("a system without a warrant is activated and written down, and no order from before undoes it", async (t) => {
    const host = await GateHost.make(t);
    const envelope = await host.warrant();
    assert.equal(await outcomeOf({ gate: () => unconfirmed(host) }, envelope), "active");
    const root = host.gate({ peer: null });
    assert.equal(await told(() => activateAtConsole(root, host.old, "switch")), "active");
    assert.deepEqual(host.state(), all("old"));
    assert.equal(await readActive(root.files, host.paths), null);
    assert.ok(fs.readdirSync(host.paths.receipts).some((name) => name.endsWith("-console.json")));
    assert.equal(await outcomeOf(host, envelope), "spent");
  });

  test("what is not healthy there is undone too", async (t) => {
    const host = await GateHost.make(t);
    host.behave("new", "test", "2");
    assert.equal(await told(() => activateAtConsole(host.gate(), host.new, "switch")), "reverted");
    assert.deepEqual(host.state(), all("old"));
    assert.equal(await told(() => activateAtConsole(host.gate(), "/etc/passwd", "switch")), "malformed");
  });

  test("the first system of all has no way back, and it is said when it is needed", async (t) => {
    const host = await GateHost.make(t);
    fs.rmSync(host.paths.running);
    assert.equal(await told(() => activateAtConsole(host.gate(), host.new, "switch")), "active");
    fs.rmSync(host.paths.running);
    host.behave("old", "test", "2");
    assert.equal(await told(() => activateAtConsole(host.gate(), host.old, "switch")), "broken");
  });
});

function unconfirmed(host: GateHost): Gate {
  return host.gate({ config: { ...host.config, confirm: null } });
}
