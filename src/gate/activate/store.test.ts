import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { GateHost } from "../../../test/support/gate-host.ts";
import { all, noConfirmation, outcomeOf } from "../../../test/support/gate-orders.ts";

suite("the closure in the store", () => {
  test("must be all there", async (t) => {
    const host = await GateHost.make(t, noConfirmation);
    const envelope = await host.warrant();
    const gone = await GateHost.make(t, noConfirmation);
    gone.nix("nix-store", "--delete", gone.new);
    assert.equal(await outcomeOf(gone, envelope), "closure");
    // Who was only too early has lost no attempt, and the order is as new as before.
    assert.ok(!fs.existsSync(gone.paths.guard) && !fs.existsSync(gone.paths.accepted));
    assert.deepEqual(gone.state(), all("old"));
    assert.ok(!fs.existsSync(gone.paths.gcroots));
  });

  test("must be what was signed: a planted path with another content is seen, and nothing runs", async (t) => {
    const host = await GateHost.make(t, noConfirmation);
    const envelope = await host.warrant();
    const planted = await GateHost.make(t, noConfirmation);
    const library = envelope.warrant.paths.find(({ path }) => path.endsWith("-lib-new"))!;
    planted.replant(library.path, "lib/code", "evil");
    assert.equal(await outcomeOf(planted, envelope), "closure");
    assert.deepEqual(planted.state(), all("old"));
    assert.deepEqual(planted.log, [""]);
    const seen = planted.events.find(({ step }) => step === "closure");
    assert.equal(seen?.data?.["path"], library.path);
  });

  test("is hashed again on request", async (t) => {
    const host = await GateHost.make(t, noConfirmation);
    const envelope = await host.warrant();
    const library = envelope.warrant.paths.find(({ path }) => path.endsWith("-lib-new"))!;
    host.plant(library.path, "lib/code", "evil");
    assert.equal(await outcomeOf(host, envelope, { rehash: true }), "tool");
    assert.deepEqual(host.state(), all("old"));
  });

  test("stays although the garbage is collected meanwhile", async (t) => {
    const host = await GateHost.make(t, noConfirmation);
    const envelope = await host.warrant();
    host.processes = (processes) => ({
      run: async (command) => {
        if (command.args.includes("test")) host.nix("nix-store", "--gc");
        return processes.run(command);
      },
    });
    assert.equal(await outcomeOf(host, envelope), "active");
    assert.deepEqual(host.state(), all("new"));
    host.nix("nix-store", "--gc");
    assert.ok(fs.existsSync(join(host.root, host.new)));
  });
});

test("a profile that is not what it was set to is no reason to write a boot entry", async (t) => {
  const host = await GateHost.make(t, noConfirmation);
  const envelope = await host.warrant();
  host.processes = (processes) => ({
    run: (command) => {
      const isNew = command.program === "nix-env" && command.args.at(-1) === host.new;
      const args = isNew ? [...command.args.slice(0, -1), host.old] : command.args;
      return processes.run({ ...command, args });
    },
  });
  assert.equal(await outcomeOf(host, envelope), "reverted");
  assert.deepEqual(host.state(), all("old"));
  assert.ok(!host.log.includes("new boot"));
});
