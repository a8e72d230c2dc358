import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { GateHost } from "../../../test/support/gate-host.ts";
import { alice, carol, later, member } from "../../../test/support/warrants.ts";
import { fromBase64 } from "../../core/bytes.ts";
import type { WarrantEnvelope } from "../../trust/warrant/envelope.ts";
import type { GateResult } from "../answer.ts";
import { confirmationText, confirmNamespace, type ActivateMessage, type ConfirmMessage } from "../message.ts";
import { pendingDigests, readActive } from "../pending.ts";
import { signMessage, type Signer } from "../../ssh/signer.ts";
import { activate } from "./activate.ts";
import { readActivation } from "./activation.ts";
import { confirm, revert } from "./confirm.ts";
import { activateAtConsole } from "./break-glass.ts";
import type { Gate } from "./gate.ts";
import { offer } from "./offer.ts";
import { settle } from "./recover.ts";
import { status } from "./status.ts";

const noConfirmation = { confirm: null };

function order({ digest }: WarrantEnvelope, changed: Partial<ActivateMessage> = {}): ActivateMessage {
  return { kind: "activate", warrant: digest, action: "switch", rehash: false, fence: null, ...changed };
}

/** Offers and activates; the refusal's code, or the outcome. */
async function outcomeOf(
  host: Pick<GateHost, "gate">,
  envelope: WarrantEnvelope,
  changed: Partial<ActivateMessage> = {},
): Promise<string> {
  return told(async () => {
    await offer(host.gate(), { kind: "offer", warrant: envelope, between: [], status: null });
    return activate(host.gate(), order(envelope, changed));
  });
}

async function told(work: () => Promise<GateResult>): Promise<string> {
  try {
    const result = await work();
    const outcome = result.ok ? result["outcome"] : result.code;
    return typeof outcome === "string" ? outcome : "ok";
  } catch (error) {
    const { decision, code } = error as { decision?: string; code?: string };
    return decision ?? code ?? String(error);
  }
}

async function confirmation(
  host: GateHost,
  signer: Signer = alice,
  fence: number | null = null,
): Promise<ConfirmMessage> {
  const { nonce, warrant } = (await readActivation(host.gate().files, host.paths))!;
  const about = { fleet: "test", host: "web", warrant: warrant!, nonce: nonce! };
  const signature = await signMessage(confirmationText(about), confirmNamespace, signer);
  return { kind: "confirm", nonce: nonce!, signature, fence };
}

/** Begins an activation and waits until it asks for its confirmation. */
async function waiting(host: GateHost, envelope: WarrantEnvelope) {
  await offer(host.gate(), { kind: "offer", warrant: envelope, between: [], status: null });
  const gate = host.gate();
  let asked = (): void => undefined;
  const question = new Promise<void>((resolve) => (asked = resolve));
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const slow: Gate = {
    ...gate,
    say: async (step, ...rest) => {
      await gate.say(step, ...rest);
      if (step !== "confirm") return;
      asked();
      await held;
    },
  };
  const result = activate(slow, order(envelope));
  await Promise.race([question, result]);
  return { result, release };
}

/** The place behind it in its sequence. */
const after = ({ warrant, digest }: WarrantEnvelope) => ({ seq: warrant.seq + 1, prev: digest });

const all = (name: string) => ({ services: name, running: name, profile: name, boot: name });

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
      const envelope = await host.warrant();
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
    const host = await GateHost.make(t, noConfirmation);
    fs.rmSync(host.paths.running);
    const envelope = await host.warrant();
    assert.equal(await outcomeOf(host, envelope), "no-way-back");
    assert.equal(await outcomeOf(host, envelope, { action: "boot" }), "next-boot");
  });
});

suite("the closure in the store", () => {
  test("must be all there", async (t) => {
    const host = await GateHost.make(t, noConfirmation);
    const envelope = await host.warrant();
    const gone = await GateHost.make(t, noConfirmation);
    gone.nix("nix-store", "--delete", gone.new);
    assert.equal(await outcomeOf(gone, envelope), "tool");
    assert.deepEqual(gone.state(), all("old"));
    assert.deepEqual(fs.readdirSync(gone.paths.gcroots), []);
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
    const cases: [string, ConfirmMessage][] = [
      ["confirmation", await confirmation(host, member("dave", 4, { rights: { rights: ["upload"] } }))],
      ["confirmation", await confirmation(host, { ...alice, identity: bareKey(alice) })],
      ["nonce", { ...good, nonce: "00".repeat(32) }],
      ["confirmation", { ...good, signature: { ...good.signature, namespace: "nixseal-warrant@v1" } }],
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

function bareKey({ identity }: Signer) {
  return identity.type === "certificate" ? identity.key : identity;
}

test("two at once: one does it, the other is told who", async (t) => {
  const host = await GateHost.make(t, noConfirmation);
  const envelope = await host.warrant();
  await offer(host.gate(), { kind: "offer", warrant: envelope, between: [], status: null });
  const outcomes = await Promise.all([1, 2].map(() => told(() => activate(host.gate(), order(envelope)))));
  // The second either found the pending warrant gone, or waited for the lock in vain.
  assert.equal(outcomes.filter((one) => one === "active").length, 1, outcomes.join());
  assert.deepEqual(host.log, ["new test", "new boot"]);
});
