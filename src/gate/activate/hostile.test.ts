import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { GateHost } from "../../../test/support/gate-host.ts";
import { all, codeOf, noConfirmation, offering, switchTo } from "../../../test/support/gate-orders.ts";
import { NixsealError } from "../../core/errors.ts";
import { formatMessage, parseMessage, type OfferMessage } from "../message.ts";
import { readActivation, writeActivation } from "./activation.ts";
import { offer } from "./offer.ts";
import { settle } from "./recover.ts";
import { begun } from "./transitions.ts";

suite("damage", () => {
  test("to any byte of an offered warrant is never activated", async (t) => {
    const host = await GateHost.make(t, noConfirmation);
    const envelope = await host.warrant();
    const line = formatMessage(offering(envelope));
    for (let place = 0; place < line.length; place += 61) {
      const changed = Uint8Array.from(line);
      changed[place]! ^= 1 << (place % 8);
      const work = async () => offer(host.gate(), parseMessage(changed, "/nix/store") as OfferMessage);
      assert.notEqual(await codeOf(work), "ok", `byte ${place}`);
    }
    await offer(host.gate(), offering(envelope));
    const file = join(host.paths.pending, `${envelope.digest}.json`);
    const good = fs.readFileSync(file);
    for (let place = 0; place < good.length; place += 61) {
      const changed = Buffer.from(good);
      changed[place]! ^= 1 << (place % 8);
      fs.writeFileSync(file, changed);
      assert.notEqual(await codeOf(() => switchTo(host, envelope)), "ok", `byte ${place}`);
    }
    assert.deepEqual(host.state(), all("old"));
    fs.writeFileSync(file, good);
    assert.equal(await codeOf(() => switchTo(host, envelope)), "ok");
  });

  test("to what was accepted lets nothing pass until it is put right", async (t) => {
    const host = await GateHost.make(t, noConfirmation);
    const first = await host.warrant();
    await offer(host.gate(), offering(first));
    await switchTo(host, first);
    const second = await host.warrant(host.old, { seq: 2, prev: first.digest });
    await offer(host.gate(), offering(second));
    for (const name of ["state.json", "trust.json", "guard.json"]) {
      const file = join(host.paths.state, name);
      const good = fs.readFileSync(file);
      const changed = Buffer.from(good);
      changed[good.length >> 1]! ^= 1;
      fs.writeFileSync(file, changed);
      assert.equal(await codeOf(() => switchTo(host, second)), "malformed", name);
      fs.writeFileSync(file, good);
    }
    assert.equal(host.state().running, "new");
    assert.equal(await codeOf(() => switchTo(host, second)), "ok");
  });

  test("to the record of an activation under way starts nothing", async (t) => {
    const host = await GateHost.make(t, noConfirmation);
    const { files } = host.gate();
    const began = begun({
      bootId: "elsewhere",
      action: "switch",
      toplevel: host.new,
      previous: host.old,
      before: host.old,
      warrant: "ab".repeat(32),
      sequence: "web",
      seq: 1,
      principals: [],
      peer: null,
      log: null,
      began: host.now,
    });
    await writeActivation(files, host.paths, began);
    const good = fs.readFileSync(host.paths.activation);
    for (let place = 0; place < good.length; place += 7) {
      const changed = Buffer.from(good);
      changed[place]! ^= 1 << (place % 8);
      fs.writeFileSync(host.paths.activation, changed);
      assert.equal(await codeOf(() => settle(host.gate())), "malformed", `byte ${place}`);
    }
    assert.deepEqual(host.log, [""]);
    fs.writeFileSync(host.paths.activation, good);
    await settle(host.gate());
    assert.equal(await readActivation(files, host.paths), null);
  });
});

test("what killed writes left behind goes with the next message, and nothing else", async (t) => {
  const host = await GateHost.make(t, noConfirmation);
  const [left, other] = [".state.json.0123456789ab.tmp", ".notes.tmp"];
  for (const name of [left, other]) fs.writeFileSync(join(host.paths.state, name), "half");
  await offer(host.gate(), offering(await host.warrant()));
  const names = fs.readdirSync(host.paths.state);
  assert.deepEqual([names.includes(left), names.includes(other)], [false, true]);
});

suite("a host that lacks something", () => {
  for (const program of ["nix", "nix-store", "nix-env", "timeout"])
    test(`without ${program} nothing is left half done`, async (t) => {
      const host = await GateHost.make(t, noConfirmation);
      const envelope = await host.warrant();
      host.processes = (real) => ({
        run: (command) =>
          command.program === program
            ? Promise.reject(new NixsealError("not-found", `${program} is not installed`))
            : real.run(command),
      });
      await offer(host.gate(), offering(envelope));
      const code = await codeOf(async () => {
        const result = await switchTo(host, envelope);
        assert.ok(!result.ok);
        throw new NixsealError("tool", result.reason);
      });
      assert.ok(code === "not-found" || code === "tool", code);
      host.processes = (real) => real;
      await settle(host.gate());
      // Without a way to run the former system's script either, only that it never left it can be said.
      assert.deepEqual(host.state(), all("old"));
    });

  test("without its host key says what it did, unsigned", async (t) => {
    const host = await GateHost.make(t, noConfirmation);
    fs.rmSync(host.paths.hostKey);
    const envelope = await host.warrant();
    await offer(host.gate(), offering(envelope));
    const result = await switchTo(host, envelope);
    assert.ok(result.ok && /"signatures\\":\[\]/.test(JSON.stringify(result["receipt"])));
    assert.ok(host.events.some(({ message }) => message.startsWith("the receipt is not signed")));
  });
});
