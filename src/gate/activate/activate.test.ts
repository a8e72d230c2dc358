import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { GateHost } from "../../../test/support/gate-host.ts";
import { all, noConfirmation, order, outcomeOf, told } from "../../../test/support/gate-orders.ts";
import { fromBase64 } from "../../core/bytes.ts";
import type { ActivateMessage } from "../message.ts";
import { pendingDigests, readActive } from "../pending.ts";
import { activate } from "./activate.ts";
import { readActivation } from "./activation.ts";
import { offer } from "./offer.ts";
import { status } from "./status.ts";

suite("an activation", { concurrency: 2 }, () => {
  test("by a good warrant, from offer to boot entry", async (t) => {
    const host = await GateHost.make(t, noConfirmation);
    const envelope = await host.warrant();
    assert.equal(await outcomeOf(host, envelope, { rehash: true }), "active");
    assert.deepEqual(host.state(), all("new"));
    assert.deepEqual(host.log, ["new test", "new boot"]);
    const { files } = host.gate();
    assert.equal((await readActive(files, host.paths))!.digest, envelope.digest);
    assert.deepEqual(await pendingDigests(files, host.paths), []);
    assert.equal(await readActivation(files, host.paths), null);
    assert.deepEqual(fs.readdirSync(host.paths.gcroots), ["active"]);
    const now = await status(host.gate());
    assert.ok(now.ok);
    assert.deepEqual(now["heads"], { web: { seq: 1, digest: envelope.digest } });
    assert.equal(now["running"], host.new);
  });

  test("its receipt is signed with the host key, as ssh-keygen sees it", async (t) => {
    const host = await GateHost.make(t, noConfirmation);
    await outcomeOf(host, await host.warrant());
    const [name] = fs.readdirSync(host.paths.receipts);
    const receipt = JSON.parse(fs.readFileSync(join(host.paths.receipts, name!), "utf8")) as {
      payload: string;
      signatures: string[];
    };
    const payload = Buffer.from(fromBase64(receipt.payload)!);
    const said = JSON.parse(payload.toString()) as Record<string, unknown>;
    assert.deepEqual(
      [said["host"], said["outcome"], said["running"], said["previous"], said["principals"], said["peer"]],
      ["web", "active", host.new, host.old, ["alice", "bob"], 1000],
    );
    host.write("signature", receipt.signatures[0]!);
    host.write("signers", `web ${fs.readFileSync(`${host.paths.hostKey}.pub`, "utf8")}`);
    const args = [
      "-Y",
      "verify",
      "-f",
      "signers",
      "-I",
      "web",
      "-n",
      "nixseal-receipt@v1",
      "-s",
      "signature",
    ];
    const stock = spawnSync("ssh-keygen", args, { cwd: host.root, input: payload });
    assert.equal(stock.status, 0, stock.stderr.toString());
  });

  test("the script gets a scrubbed environment", async (t) => {
    process.env["NIX_PATH"] = "planted";
    const host = await GateHost.make(t, noConfirmation);
    await outcomeOf(host, await host.warrant());
    const names = host.read("environment").match(/^[A-Z_]+(?==)/gm)!;
    const expected = [
      "HOME",
      "LANG",
      "LOGNAME",
      "PATH",
      "PWD",
      "USER",
      "_",
      "LOCALE_ARCHIVE",
      "OLDPWD",
      "SHLVL",
    ];
    assert.deepEqual(
      names.filter((name) => !expected.includes(name)),
      [],
    );
  });

  const actions: [ActivateMessage["action"], string, object, string[]][] = [
    ["test", "tested", { ...all("old"), services: "new", running: "new" }, ["new test"]],
    ["boot", "next-boot", { ...all("old"), profile: "new", boot: "new" }, ["new boot"]],
    ["dry-activate", "dry", all("old"), ["new dry-activate"]],
  ];
  for (const [action, outcome, state, log] of actions)
    test(`with '${action}'`, async (t) => {
      const host = await GateHost.make(t, noConfirmation);
      const envelope = await host.warrant(host.new, action === "boot" ? { action } : {});
      assert.equal(await outcomeOf(host, envelope, { action }), outcome);
      assert.deepEqual(host.state(), state);
      assert.deepEqual(host.log, log);
      assert.equal(host.read("var/lib/nixseal/gate/state.json") === "", action === "dry-activate");
    });

  test("does no more than the warrant orders", async (t) => {
    const host = await GateHost.make(t, noConfirmation);
    const tried = await host.warrant(host.new, { action: "test" });
    assert.equal(await outcomeOf(host, tried, { action: "switch" }), "action");
    assert.equal(await outcomeOf(host, tried, { action: "boot" }), "action");
    const later = await host.warrant(host.new, { action: "boot" });
    assert.equal(await outcomeOf(host, later, { action: "test" }), "action");
    // Health and confirmation were ordered with it: a boot would ask for neither.
    const other = await GateHost.make(t, noConfirmation);
    assert.equal(await outcomeOf(other, await other.warrant(), { action: "boot" }), "action");
    assert.deepEqual(host.state(), all("old"));
  });

  const failures: Record<string, (host: GateHost) => void> = {
    "the activation script fails": (host) => host.behave("new", "test", "2"),
    "units do not start": (host) => host.behave("new", "test", "4"),
    "the script dies half-way": (host) => host.behave("new", "test", "half"),
    "the boot loader fails": (host) => host.behave("new", "boot", "1"),
  };
  for (const [what, fail] of Object.entries(failures))
    test(`is undone when ${what}`, async (t) => {
      const host = await GateHost.make(t, noConfirmation);
      fail(host);
      assert.equal(await outcomeOf(host, await host.warrant()), "reverted");
      assert.deepEqual(host.state(), all("old"));
      assert.equal(await readActivation(host.gate().files, host.paths), null);
    });

  test("changes nothing when the system needs a boot of its own", async (t) => {
    const host = await GateHost.make(t, noConfirmation);
    host.behave("new", "test", "100");
    assert.equal(await outcomeOf(host, await host.warrant()), "unchanged");
    assert.deepEqual(host.log, ["new test"]);
    assert.deepEqual(host.state(), all("old"));
  });

  test("a script and a health check that hang are ended, with all that they started", async (t) => {
    const host = await GateHost.make(t, noConfirmation);
    host.behave("new", "test", "hang");
    const envelope = await host.warrant();
    await offer(host.gate(), { kind: "offer", warrant: envelope, between: [], status: null });
    const short = { switch: 1, health: 1, rehash: 1, store: 20 };
    const result = await activate(host.gate({ bounds: short }), order(envelope));
    assert.ok(!result.ok && /did not end within 1 s/.test(result.reason), JSON.stringify(result));
    const sleeper = Number(host.read("sleeper"));
    const state = fs.existsSync(`/proc/${sleeper}`)
      ? fs.readFileSync(`/proc/${sleeper}/stat`, "utf8")
      : "gone";
    assert.match(state, /gone|\) Z /); // dead, and perhaps not yet buried
    host.behave("new", "test", "0");
    const config = { ...host.config, health: [["/bin/sleep", "60"]] };
    const again = await activate(host.gate({ bounds: short, config }), order(envelope));
    assert.ok(!again.ok && /health check '\/bin\/sleep 60' failed/.test(again.reason), JSON.stringify(again));
    assert.deepEqual(host.state(), all("old"));
  });

  test("without a system to go back to is refused, but for a boot", async (t) => {
    for (const [action, outcome] of [
      ["switch", "no-way-back"],
      ["boot", "next-boot"],
    ] as const) {
      const host = await GateHost.make(t, noConfirmation);
      fs.rmSync(host.paths.running);
      assert.equal(await outcomeOf(host, await host.warrant(host.new, { action }), { action }), outcome);
    }
  });
});

test("two at once: one does it, the other is told who", async (t) => {
  const host = await GateHost.make(t, noConfirmation);
  const envelope = await host.warrant();
  await offer(host.gate(), { kind: "offer", warrant: envelope, between: [], status: null });
  const outcomes = await Promise.all([1, 2].map(() => told(() => activate(host.gate(), order(envelope)))));
  // The second either found the pending warrant gone, or waited for the lock in vain.
  assert.equal(outcomes.filter((one) => one === "active").length, 1, outcomes.join());
  assert.deepEqual(host.log, ["new test", "new boot"]);
});
