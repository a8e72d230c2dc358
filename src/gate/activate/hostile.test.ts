import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { GateHost } from "../../../test/support/gate-host.ts";
import { fixedKey } from "../../../test/support/ssh-artifacts.ts";
import { Keygen } from "../../../test/support/ssh-keygen.ts";
import { signedRoot } from "../../../test/support/roots.ts";
import { alice, bob, ca, carol, later, root } from "../../../test/support/warrants.ts";
import { NixsealError } from "../../core/errors.ts";
import { formatPublicKey } from "../../ssh/public-key-line.ts";
import { privateKeySigner, signMessage, type Signer } from "../../ssh/signer.ts";
import { krlNamespace, type KrlEvidence } from "../../trust/certificates/decide.ts";
import type { Root } from "../../trust/root/root.ts";
import type { WarrantEnvelope } from "../../trust/warrant/envelope.ts";
import type { StatusBundle } from "../../trust/warrant/status-bundle.ts";
import { formatMessage, parseMessage, type OfferMessage } from "../message.ts";
import { activate } from "./activate.ts";
import { offer } from "./offer.ts";
import { readActivation, writeActivation } from "./activation.ts";
import { settle } from "./recover.ts";
import { status } from "./status.ts";
import { begun } from "./transitions.ts";

const plain = { confirm: null };
const everythingOld = { services: "old", running: "old", profile: "old", boot: "old" };

function offering(envelope: WarrantEnvelope, more: Partial<OfferMessage> = {}): OfferMessage {
  return { kind: "offer", warrant: envelope, between: [], status: null, ...more };
}

/** `ok`, or why not. */
async function codeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
    return "ok";
  } catch (error) {
    assert.ok(error instanceof NixsealError, String(error));
    return "decision" in error && typeof error.decision === "string" ? error.decision : error.code;
  }
}

const switchTo = (host: GateHost, { digest }: WarrantEnvelope) =>
  activate(host.gate(), { kind: "activate", warrant: digest, action: "switch", rehash: false, fence: null });

async function bundleOf(roots: readonly Root[], krl: KrlEvidence | null = null): Promise<StatusBundle> {
  const keys = [fixedKey(91)];
  return { roots: await Promise.all(roots.map((one) => signedRoot(one, keys))), krl, heads: new Map() };
}

async function revocationOf(keygen: Keygen, version: number, who: Signer): Promise<KrlEvidence> {
  const { identity } = who;
  const key = identity.type === "certificate" ? identity.key : identity;
  keygen.write("revoked.pub", `${formatPublicKey(key)}\n`);
  keygen.run(["-q", "-k", "-f", `krl${version}`, "-z", String(version), "revoked.pub"]);
  const file = keygen.read(`krl${version}`);
  return { file, signatures: [await signMessage(file, krlNamespace, privateKeySigner(ca))] };
}

suite("a status bundle that comes with an offer", () => {
  test("revokes a signer, also when the warrant beside it is refused for that", async (t) => {
    const host = await GateHost.make(t, plain);
    const envelope = await host.warrant();
    await offer(host.gate(), offering(envelope));
    const bundle = await bundleOf([root], await revocationOf(new Keygen(t), 1, alice));
    assert.equal(await codeOf(() => offer(host.gate(), offering(envelope, { status: bundle }))), "threshold");
    // What was offered before is judged by the list too.
    assert.equal(await codeOf(() => switchTo(host, envelope)), "threshold");
    assert.deepEqual(host.state(), everythingOld);
    const others = await host.warrant(host.new, {}, [bob, carol]);
    assert.equal(await codeOf(() => offer(host.gate(), offering(others))), "ok");
  });

  test("takes neither list nor root back", async (t) => {
    const host = await GateHost.make(t, plain);
    const keygen = new Keygen(t);
    const envelope = await host.warrant();
    const [one, two] = [await revocationOf(keygen, 1, carol), await revocationOf(keygen, 2, carol)];
    const next = { ...root, version: 4 };
    const send = (bundle: StatusBundle) =>
      codeOf(() => offer(host.gate(), offering(envelope, { status: bundle })));
    assert.equal(await send(await bundleOf([root, next], two)), "ok");
    assert.equal(await send(await bundleOf([root, next], one)), "krl-version");
    assert.equal(await send(await bundleOf([root, next])), "krl-version");
    assert.equal(await send(await bundleOf([root], two)), "root-version");
    assert.equal(await send(await bundleOf([{ ...root, version: 6 }], two)), "root-version");
    const [krl, version] = await status(host.gate()).then((now) => (now.ok ? [now["krl"], now["root"]] : []));
    assert.deepEqual([krl, version], ["2", 4]);
  });

  test("with a root that the trusted keys have not signed is refused", async (t) => {
    const host = await GateHost.make(t, plain);
    const envelope = await host.warrant();
    const usurper = { ...root, version: 4, root: { keys: [fixedKey(66).publicKey], threshold: 1 } };
    const bundle = { roots: [await signedRoot(usurper, [fixedKey(66)])], krl: null, heads: new Map() };
    assert.equal(
      await codeOf(() => offer(host.gate(), offering(envelope, { status: bundle }))),
      "root-threshold",
    );
  });

  test("sets the floor of time: the list's making", async (t) => {
    const host = await GateHost.make(t, plain);
    const bundle = await bundleOf([root], await revocationOf(new Keygen(t), 1, carol));
    await offer(host.gate(), offering(await host.warrant(), { status: bundle }));
    host.now = new Date("2001-01-01T00:00:00Z");
    const now = await status(host.gate());
    assert.ok(now.ok && /^20[23]/.test(JSON.stringify(now["time"]).slice(1)));
  });
});

suite("orders that a host missed", () => {
  test("are passed over when their bytes are there, not on the sender's word", async (t) => {
    const host = await GateHost.make(t, plain);
    const first = await host.warrant();
    const place = ({ warrant, digest }: WarrantEnvelope) => ({ seq: warrant.seq + 1, prev: digest });
    const second = await host.warrant(host.old, place(first));
    const third = await host.warrant(host.new, { ...place(second), notBefore: later(-0.5) });
    await offer(host.gate(), offering(first));
    await switchTo(host, first);
    assert.equal(await codeOf(() => offer(host.gate(), offering(third))), "gap");
    const stranger = await host.warrant(host.old, { ...place(first), expires: later(20) });
    assert.equal(
      await codeOf(() => offer(host.gate(), offering(third, { between: [stranger.payload] }))),
      "gap",
    );
    assert.equal(
      await codeOf(() => offer(host.gate(), offering(third, { between: [second.payload] }))),
      "ok",
    );
    assert.equal(await codeOf(() => switchTo(host, third)), "ok");
    assert.equal(await codeOf(() => offer(host.gate(), offering(second))), "replayed");
  });
});

suite("damage", () => {
  test("to any byte of an offered warrant is never activated", async (t) => {
    const host = await GateHost.make(t, plain);
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
    assert.deepEqual(host.state(), everythingOld);
    fs.writeFileSync(file, good);
    assert.equal(await codeOf(() => switchTo(host, envelope)), "ok");
  });

  test("to what was accepted lets nothing pass until it is put right", async (t) => {
    const host = await GateHost.make(t, plain);
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
    const host = await GateHost.make(t, plain);
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
  const host = await GateHost.make(t, plain);
  const [left, other] = [".state.json.0123456789ab.tmp", ".notes.tmp"];
  for (const name of [left, other]) fs.writeFileSync(join(host.paths.state, name), "half");
  await offer(host.gate(), offering(await host.warrant()));
  const names = fs.readdirSync(host.paths.state);
  assert.deepEqual([names.includes(left), names.includes(other)], [false, true]);
});

suite("a host that lacks something", () => {
  for (const program of ["nix", "nix-store", "nix-env", "timeout"])
    test(`without ${program} nothing is left half done`, async (t) => {
      const host = await GateHost.make(t, plain);
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
      assert.deepEqual(host.state(), everythingOld);
    });

  test("without its host key says what it did, unsigned", async (t) => {
    const host = await GateHost.make(t, plain);
    fs.rmSync(host.paths.hostKey);
    const envelope = await host.warrant();
    await offer(host.gate(), offering(envelope));
    const result = await switchTo(host, envelope);
    assert.ok(result.ok && /"signatures\\":\[\]/.test(JSON.stringify(result["receipt"])));
    assert.ok(host.events.some(({ message }) => message.startsWith("the receipt is not signed")));
  });
});
