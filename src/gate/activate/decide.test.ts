import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { GateHost } from "../../../test/support/gate-host.ts";
import { after, all, noConfirmation, order, outcomeOf, told } from "../../../test/support/gate-orders.ts";
import { alice, later, member } from "../../../test/support/warrants.ts";
import { readGuard } from "../guard.ts";
import { pendingDigests } from "../pending.ts";
import { activate } from "./activate.ts";
import { offer } from "./offer.ts";

suite("an order", () => {
  test("is taken once, in its turn, and not after it ended", async (t) => {
    const host = await GateHost.make(t, noConfirmation);
    const first = await host.warrant();
    const second = await host.warrant(host.old, after(first));
    assert.equal(await outcomeOf(host, first), "active");
    assert.equal(await outcomeOf(host, second), "active");
    assert.deepEqual(host.state(), all("old"));
    assert.equal(await outcomeOf(host, first), "replayed");
    const fork = await host.warrant(host.new, after(first));
    assert.equal(await outcomeOf(host, fork), "fork");
    host.now = later(30);
    const third = await host.warrant(host.new, after(second));
    assert.equal(await outcomeOf(host, third), "expired");
    host.now = new Date("2001-01-01T00:00:00Z"); // setting the clock back revives nothing
    assert.equal(await outcomeOf(host, first), "replayed");
    assert.deepEqual(host.state(), all("old"));
  });

  test("of another host, of too few, of a stranger is refused when it is offered", async (t) => {
    const host = await GateHost.make(t, noConfirmation);
    const elsewhere = await host.warrant(host.new, { subject: { kind: "host", name: "db" } });
    assert.equal(await outcomeOf(host, elsewhere), "wrong-host");
    assert.equal(await outcomeOf(host, await host.warrant(host.new, {}, [alice])), "threshold");
    assert.equal(await outcomeOf(host, await host.warrant(host.new, {}, [alice, alice])), "threshold");
    const uploader = member("carol", 3, { rights: { rights: ["upload"] } });
    assert.equal(await outcomeOf(host, await host.warrant(host.new, {}, [alice, uploader])), "threshold");
    assert.deepEqual(await pendingDigests(host.gate().files, host.paths), []);
  });

  test("that was not offered is not known", async (t) => {
    const host = await GateHost.make(t, noConfirmation);
    const envelope = await host.warrant();
    assert.equal(await told(() => activate(host.gate(), order(envelope))), "not-offered");
  });

  test("is decided on once more: what ended or was revoked since the offer is refused", async (t) => {
    const host = await GateHost.make(t, noConfirmation);
    const envelope = await host.warrant();
    await offer(host.gate(), { kind: "offer", warrant: envelope, between: [], status: null });
    host.now = later(23);
    assert.equal(await told(() => activate(host.gate(), order(envelope))), "expired");
    assert.deepEqual(host.state(), all("old"));
  });

  test("that failed may be tried again, a few times", async (t) => {
    const host = await GateHost.make(t, noConfirmation);
    const envelope = await host.warrant();
    host.behave("new", "test", "2");
    for (let attempt = 1; attempt <= 8; attempt++) assert.equal(await outcomeOf(host, envelope), "reverted");
    host.behave("new", "test", "0");
    assert.equal(await outcomeOf(host, envelope), "spent");
    assert.deepEqual(host.state(), all("old"));
  });

  test("of a lease that has passed on is refused", async (t) => {
    const host = await GateHost.make(t, noConfirmation);
    const envelope = await host.warrant();
    assert.equal(await outcomeOf(host, envelope, { fence: 7 }), "active");
    assert.equal(await outcomeOf(host, envelope, { fence: 6 }), "stale-fence");
    assert.equal(await outcomeOf(host, envelope, { fence: 7 }), "active");
    assert.equal(await outcomeOf(host, envelope, { fence: null }), "active");
  });

  test("with an invented lease does not keep later ones out", async (t) => {
    const host = await GateHost.make(t, noConfirmation);
    const envelope = await host.warrant();
    assert.equal(await outcomeOf(host, envelope, { fence: 7 }), "active");
    assert.equal(await outcomeOf(host, envelope, { fence: Number.MAX_SAFE_INTEGER }), "active");
    const { fence } = await readGuard(host.gate().files, host.paths);
    assert.ok(fence > 7 && fence < 1 << 24, String(fence));
    // The next lease begins above what the host has seen.
    assert.equal(await outcomeOf(host, envelope, { fence: fence + 1 }), "active");
  });

  test("is not taken in stage 0", async (t) => {
    const host = await GateHost.make(t, { ...noConfirmation, mode: "certificates" });
    assert.equal(await outcomeOf(host, await host.warrant()), "mode");
  });

  test("one of too many at once waits", async (t) => {
    const host = await GateHost.make(t, noConfirmation);
    const codes = new Set<string>();
    for (let minutes = 1; minutes <= 9; minutes++) {
      const envelope = await host.warrant(host.new, { expires: later(minutes / 60) });
      const send = () => offer(host.gate(), { kind: "offer", warrant: envelope, between: [], status: null });
      codes.add(await told(send));
      codes.add(await told(send)); // the same again is no second one
    }
    assert.deepEqual([...codes], ["ok", "too-many"]);
    host.now = later(8.5 / 60);
    const another = await host.warrant(host.new, { expires: later(1) });
    const send = () => offer(host.gate(), { kind: "offer", warrant: another, between: [], status: null });
    assert.equal(await told(send), "ok");
    assert.equal((await pendingDigests(host.gate().files, host.paths)).length, 1);
  });
});
