import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { authenticator, certificate } from "../../../test/support/ssh-artifacts.ts";
import {
  alice,
  bob,
  ca,
  carol,
  member,
  policy,
  selectors,
  signed,
  warrant,
} from "../../../test/support/warrants.ts";
import { signMessage, type Signer } from "../../ssh/signer.ts";
import { signedData, signingKey } from "../../ssh/sshsig.ts";
import { formatRights, rightsOption } from "../certificates/rights.ts";
import { decideWarrant } from "./decide.ts";
import type { WarrantEnvelope } from "./envelope.ts";
import { warrantNamespace } from "./model.ts";

test("a signature in another namespace, or over another warrant, does not count", async () => {
  const envelope = await signed(warrant(), alice);
  const elsewhere = await signMessage(envelope.payload, "nixseal-root@v1", bob);
  const other = (await signed(warrant({ action: "test" }), bob)).signatures[0]!;
  for (const [signature, code] of [
    [elsewhere, "namespace"],
    [other, "bad-signature"],
  ] as const) {
    const decision = decideWarrant(
      { envelope: { ...envelope, signatures: [...envelope.signatures, signature] } },
      policy,
    );
    const last = decision.signatures.at(-1);
    assert.equal(last?.accepted === false && last.code, code);
    assert.ok(!decision.accepted);
  }
});

test("a certificate of another key does not make a signature count", async () => {
  const envelope = await signed(warrant(), alice, bob);
  const [first, second] = envelope.signatures;
  const swapped = { ...envelope, signatures: [first!, { ...second!, signer: carol.identity }] };
  assert.ok(!decideWarrant({ envelope: swapped }, policy).accepted);
});

test("touch and user verification of a token are demanded where the certificate does", async () => {
  const by = async (touch: "up" | "uv", flags: number): Promise<boolean> => {
    const token = authenticator(7, flags);
    const rights = { rights: ["activate"] as const, hosts: selectors("web"), maxClosureBytes: null, touch };
    const issued = certificate({
      key: token.identity,
      ca,
      principals: ["bob"],
      critical: [[rightsOption, formatRights(rights)]],
    });
    const envelope = await signed(warrant(), alice);
    const raw = await signMessageAnyway(envelope, token);
    const signatures = [...envelope.signatures, { ...raw, signer: issued }];
    return decideWarrant({ envelope: { ...envelope, signatures } }, policy).accepted;
  };
  assert.equal(await by("up", 1), true);
  assert.equal(await by("up", 0), false);
  assert.equal(await by("uv", 1), false);
  assert.equal(await by("uv", 5), true);
});

test("only distinct members with distinct keys are counted, however they sign", async () => {
  // Signers as (member, key): some members hold two keys, one key is certified for two members.
  const pairs = [
    ["alice", 1],
    ["alice", 9],
    ["bob", 2],
    ["bob", 1],
    ["carol", 3],
  ] as const;
  const signers = pairs.map(([name, number]) => member(name, number));
  const order = warrant();
  const made = (await signed(order, ...signers)).signatures;
  const empty = await signed(order);
  fc.assert(
    fc.property(fc.array(fc.nat({ max: pairs.length - 1 }), { maxLength: 8 }), (picks) => {
      const envelope: WarrantEnvelope = { ...empty, signatures: picks.map((pick) => made[pick]!) };
      const decision = decideWarrant({ envelope }, policy);
      const members = new Set(picks.map((pick) => pairs[pick]![0]));
      const keys = new Set(picks.map((pick) => pairs[pick]![1]));
      // Never more than the members or than the keys there are, and never accepted with fewer than two of either.
      if (decision.accepted) assert.ok(members.size >= 2 && keys.size >= 2);
      // Without the second keys and the second names, two members are always enough.
      else if (!picks.includes(1) && !picks.includes(3)) assert.ok(members.size < 2);
    }),
  );
});

test("a broken signature beside good ones takes nothing from them", async () => {
  const envelope = await signed(warrant(), alice, bob);
  const [first] = envelope.signatures;
  const broken = { ...first!, signature: first!.signature.subarray(0, -1) };
  const decision = decideWarrant(
    { envelope: { ...envelope, signatures: [broken, ...envelope.signatures] } },
    policy,
  );
  assert.ok(decision.accepted);
  assert.equal(decision.signatures[0]?.accepted, false);
});

/** Without `signMessage`'s own check, which would refuse what an authenticator should not have made. */
async function signMessageAnyway(envelope: WarrantEnvelope, signer: Signer) {
  const how = { namespace: warrantNamespace, hash: "sha512" as const };
  const signature = await signer.sign(signedData(envelope.payload, how));
  return { signer: signingKey(signer.identity), ...how, signature };
}
