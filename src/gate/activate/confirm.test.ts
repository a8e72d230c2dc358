import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { GateHost } from "../../../test/support/gate-host.ts";
import { all, confirmation, order, outcomeOf, told, waiting } from "../../../test/support/gate-orders.ts";
import { alice, carol, member } from "../../../test/support/warrants.ts";
import { confirmationText, confirmNamespace, type ConfirmMessage } from "../message.ts";
import { signMessage, type Signer } from "../../ssh/signer.ts";
import { activate } from "./activate.ts";
import { readActivation } from "./activation.ts";
import { confirm, revert } from "./confirm.ts";
import { settle } from "./recover.ts";

suite("a confirmation", () => {
  test("by a member over the host's nonce makes it stay", async (t) => {
    const host = await GateHost.make(t);
    const { result, release } = await waiting(host, await host.warrant());
    assert.deepEqual(host.state(), { ...all("old"), services: "new", running: "new" });
    assert.equal(await told(async () => confirm(host.gate(), await confirmation(host, carol))), "active");
    release();
    assert.equal(await told(() => result), "active");
    assert.deepEqual(host.state(), all("new"));
  });

  test("that does not come has it undone, whatever the clock says", async (t) => {
    const host = await GateHost.make(t);
    const { result, release } = await waiting(host, await host.warrant());
    host.now = new Date("2001-01-01T00:00:00Z");
    release();
    const undone = await result;
    assert.ok(!undone.ok && undone.reason.endsWith(": nobody confirmed it in time"), JSON.stringify(undone));
    assert.deepEqual(host.state(), all("old"));
    assert.deepEqual(host.log, ["new test", "old test"]);
  });

  test("counts only by a member who may activate here, for what waits, and in time", async (t) => {
    const host = await GateHost.make(t);
    const { result, release } = await waiting(host, await host.warrant());
    const good = await confirmation(host);
    const { nonce } = good;
    const warrant = (await readActivation(host.gate().files, host.paths))!.warrant!;
    const text = confirmationText({ fleet: "test", host: "web", warrant, nonce });
    const cases: [string, ConfirmMessage][] = [
      ["confirmation", await confirmation(host, member("dave", 4, { rights: { rights: ["upload"] } }))],
      ["confirmation", await confirmation(host, { ...alice, identity: bareKey(alice) })],
      ["nonce", { ...good, nonce: "00".repeat(32) }],
      ["confirmation", { ...good, signature: await signMessage(text, "nixseal-warrant@v1", alice) }],
    ];
    for (const [code, message] of cases) assert.equal(await told(() => confirm(host.gate(), message)), code);
    const other = await signMessage(
      confirmationText({ fleet: "test", host: "db", warrant: "00".repeat(32), nonce: good.nonce }),
      confirmNamespace,
      alice,
    );
    assert.equal(await told(() => confirm(host.gate(), { ...good, signature: other })), "confirmation");
    host.uptime += 90;
    assert.equal(await told(() => confirm(host.gate(), good)), "not-waiting");
    release();
    assert.equal(await told(() => result), "reverted");
    assert.equal(await told(() => confirm(host.gate(), good)), "not-waiting");
    assert.deepEqual(host.state(), all("old"));
  });

  test("of an earlier activation is none of this one", async (t) => {
    const host = await GateHost.make(t);
    const envelope = await host.warrant();
    const first = await waiting(host, envelope);
    const old = await confirmation(host);
    first.release();
    assert.equal(await told(() => first.result), "reverted");
    const second = await waiting(host, envelope);
    assert.equal(await told(() => confirm(host.gate(), old)), "nonce");
    second.release();
    assert.equal(await told(() => second.result), "reverted");
  });

  test("may be denied: the former system comes back, and the order is spent", async (t) => {
    const host = await GateHost.make(t);
    const envelope = await host.warrant();
    const { result, release } = await waiting(host, envelope);
    assert.equal(await told(() => revert(host.gate(), { kind: "revert", fence: null })), "reverted");
    release();
    assert.equal(await told(() => result), "reverted");
    assert.deepEqual(host.state(), all("old"));
    assert.equal(await outcomeOf(host, envelope), "spent");
    assert.equal(await told(() => revert(host.gate(), { kind: "revert", fence: null })), "not-waiting");
  });

  test("is waited for by one activation at a time", async (t) => {
    const host = await GateHost.make(t);
    const envelope = await host.warrant();
    const { result, release } = await waiting(host, envelope);
    assert.equal(await told(() => activate(host.gate(), order(envelope))), "busy");
    release();
    await result;
  });

  test("is waited for by whoever comes when the first process was killed", async (t) => {
    const host = await GateHost.make(t);
    const { result } = await waiting(host, await host.warrant());
    await settle(host.gate()); // what ExecStopPost= and the unit at boot run
    assert.deepEqual(host.state(), all("old"));
    void result;
  });
});

function bareKey({ identity }: Signer) {
  return identity.type === "certificate" ? identity.key : identity;
}
