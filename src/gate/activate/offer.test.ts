import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { GateHost } from "../../../test/support/gate-host.ts";
import { all, codeOf, noConfirmation, offering, switchTo } from "../../../test/support/gate-orders.ts";
import { signedRoot } from "../../../test/support/roots.ts";
import { fixedKey } from "../../../test/support/ssh-artifacts.ts";
import { Keygen } from "../../../test/support/ssh-keygen.ts";
import { alice, bob, ca, carol, later, root } from "../../../test/support/warrants.ts";
import { formatPublicKey } from "../../ssh/public-key-line.ts";
import { privateKeySigner, signMessage, type Signer } from "../../ssh/signer.ts";
import { krlNamespace, type KrlEvidence } from "../../trust/certificates/decide.ts";
import type { Root } from "../../trust/root/root.ts";
import type { WarrantEnvelope } from "../../trust/warrant/envelope.ts";
import type { StatusBundle } from "../../trust/warrant/status-bundle.ts";
import { offer } from "./offer.ts";
import { status } from "./status.ts";

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
    const host = await GateHost.make(t, noConfirmation);
    const envelope = await host.warrant();
    await offer(host.gate(), offering(envelope));
    const bundle = await bundleOf([root], await revocationOf(new Keygen(t), 1, alice));
    assert.equal(await codeOf(() => offer(host.gate(), offering(envelope, { status: bundle }))), "threshold");
    // What was offered before is judged by the list too.
    assert.equal(await codeOf(() => switchTo(host, envelope)), "threshold");
    assert.deepEqual(host.state(), all("old"));
    const others = await host.warrant(host.new, {}, [bob, carol]);
    assert.equal(await codeOf(() => offer(host.gate(), offering(others))), "ok");
  });

  test("takes neither list nor root back", async (t) => {
    const host = await GateHost.make(t, noConfirmation);
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
    const host = await GateHost.make(t, noConfirmation);
    const envelope = await host.warrant();
    const usurper = { ...root, version: 4, root: { keys: [fixedKey(66).publicKey], threshold: 1 } };
    const bundle = { roots: [await signedRoot(usurper, [fixedKey(66)])], krl: null, heads: new Map() };
    assert.equal(
      await codeOf(() => offer(host.gate(), offering(envelope, { status: bundle }))),
      "root-threshold",
    );
  });

  test("sets the floor of time: the list's making", async (t) => {
    const host = await GateHost.make(t, noConfirmation);
    const bundle = await bundleOf([root], await revocationOf(new Keygen(t), 1, carol));
    await offer(host.gate(), offering(await host.warrant(), { status: bundle }));
    host.now = new Date("2001-01-01T00:00:00Z");
    const now = await status(host.gate());
    assert.ok(now.ok && /^20[23]/.test(JSON.stringify(now["time"]).slice(1)));
  });
});

suite("orders that a host missed", () => {
  test("are passed over when their bytes are there, not on the sender's word", async (t) => {
    const host = await GateHost.make(t, noConfirmation);
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
