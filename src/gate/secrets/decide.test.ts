import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { fixedKey } from "../../../test/support/ssh-artifacts.ts";
import { alice, bob, carol, later, member, noon, root, selectors } from "../../../test/support/warrants.ts";
import { utf8, utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { privateKeySigner, signMessage, type Signer } from "../../ssh/signer.ts";
import { warrantNamespace } from "../../trust/warrant/model.ts";
import { GateRefusal } from "../answer.ts";
import { decideSecrets, type SecretsPolicy } from "./decide.ts";
import {
  encodeOrder,
  formatSecretsEnvelope,
  orderDigest,
  parseOrder,
  parseSecretsEnvelope,
  secretsNamespace,
  type SecretsEnvelope,
  type SecretsOrder,
} from "./order.ts";

const digest = "ab".repeat(32);
const order: SecretsOrder = {
  v: 1,
  fleet: "test",
  host: "web",
  seq: 5,
  notBefore: later(-1),
  expires: later(1),
  values: [{ name: "one", digest, replaces: ["cd".repeat(32)] }],
};
const policy: SecretsPolicy = {
  config: { fleet: "test", host: "web", tags: ["edge"], mode: "warrants" },
  trust: { root: { root, payload: new Uint8Array(), signatures: [] }, evidence: null, krl: null },
  floor: null,
  seq: 4,
  clock: noon,
};

async function signed(
  fields: Partial<SecretsOrder> = {},
  signers: readonly Signer[] = [alice, bob],
  namespace = secretsNamespace,
): Promise<SecretsEnvelope> {
  const whole = { ...order, ...fields };
  const payload = encodeOrder(whole);
  const signatures = [];
  for (const signer of signers) signatures.push(await signMessage(payload, namespace, signer));
  return { payload, order: whole, digest: orderDigest(payload), signatures };
}

function codeOf(envelope: SecretsEnvelope, changed: Partial<SecretsPolicy> = {}): string {
  try {
    decideSecrets(envelope, { ...policy, ...changed });
    return "accepted";
  } catch (error) {
    assert.ok(error instanceof GateRefusal);
    return error.decision;
  }
}

suite("a secrets order", () => {
  test("of as many members as a warrant would need is followed", async () => {
    assert.deepEqual(decideSecrets(await signed(), policy), { principals: ["alice", "bob"], threshold: 2 });
  });

  test("for another, at another time, or once more is not", async () => {
    assert.equal(codeOf(await signed({ host: "db" })), "wrong-host");
    assert.equal(codeOf(await signed({ fleet: "other" })), "wrong-fleet");
    assert.equal(codeOf(await signed(), { clock: later(1) }), "expired");
    assert.equal(codeOf(await signed(), { clock: later(-2) }), "not-yet-valid");
    assert.equal(codeOf(await signed(), { clock: later(-2), floor: later(2) }), "expired");
    assert.equal(codeOf(await signed(), { seq: 5 }), "replayed");
    assert.equal(codeOf(await signed(), { seq: 6 }), "replayed");
    assert.equal(codeOf(await signed({ seq: Number.MAX_SAFE_INTEGER })), "gap");
    assert.equal(codeOf(await signed(), { config: { ...policy.config, mode: "certificates" } }), "mode");
    assert.equal(
      codeOf(await signed({ expires: later(99_999) }), { clock: new Date("2031-01-01") }),
      "root-expired",
    );
  });

  test("of too few, of one twice, of those without the right is not", async () => {
    const secretsOnly = member("carol", 3, { rights: { rights: ["secrets", "upload"] } });
    const elsewhere = member("carol", 3, { rights: { hosts: selectors("db") } });
    const bare = privateKeySigner(fixedKey(3));
    for (const signers of [
      [],
      [alice],
      [alice, alice],
      [alice, secretsOnly],
      [alice, elsewhere],
      [alice, bare],
    ])
      assert.equal(codeOf(await signed({}, signers)), "threshold");
    assert.equal(codeOf(await signed({}, [alice, carol])), "accepted");
    // A group that asks for more is asked for more.
    const vault = { ...policy.config, host: "vault-1" };
    assert.equal(codeOf(await signed({ host: "vault-1" }), { config: vault }), "threshold");
    assert.equal(
      codeOf(await signed({ host: "vault-1" }, [alice, bob, carol]), { config: vault }),
      "accepted",
    );
  });

  test("cannot be made of signatures of something else, nor of another order's", async () => {
    assert.equal(codeOf(await signed({}, [alice, bob], warrantNamespace)), "threshold");
    const other = await signed({ seq: 6 });
    assert.equal(codeOf({ ...other, signatures: (await signed()).signatures }), "threshold");
  });

  test("has one spelling", async () => {
    const envelope = await signed();
    assert.deepEqual(parseSecretsEnvelope(formatSecretsEnvelope(envelope)).order, order);
    const text = utf8Text(envelope.payload, "it");
    const twice = [...order.values, ...order.values];
    const wrong = [
      ` ${text}`,
      `${text}\n`,
      text.replace('"seq":5', '"seq":5.0'),
      text.replace('"seq":5', '"seq":0'),
      text.replace('"seq":5', '"seq":5,"seq":5'),
      text.replace('"v":1', '"v":2'),
      text.replace('"v":1', '"path":"/etc/shadow","v":1'),
      text.replace("one", "../one"),
      text.replace("abab", "ABab"),
      text.replace(/"values":.*\]/, '"values":[]'),
      utf8Text(encodeOrder({ ...order, values: twice }), "it"),
      utf8Text(encodeOrder({ ...order, expires: order.notBefore }), "it"),
    ];
    for (const one of wrong)
      assert.throws(
        () => parseOrder(utf8(one)),
        (error) => error instanceof NixsealError && error.code === "malformed",
        one,
      );
  });
});
