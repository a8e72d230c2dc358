import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  alice,
  bob,
  ca,
  carol,
  later,
  member,
  next,
  policy,
  root,
  selectors,
  signed,
  warrant,
  web,
} from "../../../test/support/warrants.ts";
import { fixedKey } from "../../../test/support/ssh-artifacts.ts";
import { parseRevocations } from "../../ssh/revocation-file.ts";
import { formatPublicKey } from "../../ssh/public-key-line.ts";
import { utf8 } from "../../core/bytes.ts";
import { privateKeySigner, type Signer } from "../../ssh/signer.ts";
import { decideWarrant, thresholdFor, type WarrantPolicy } from "./decide.ts";
import type { Warrant } from "./model.ts";
import { nothingAccepted } from "./state.ts";

interface Case {
  readonly order?: Partial<Warrant>;
  readonly signers?: readonly Signer[];
  readonly policy?: Partial<WarrantPolicy>;
  readonly code: string;
  /** Of the last signature, where it is the signature that does not count. */
  readonly signature?: string;
}

suite("a warrant", () => {
  test("of two distinct members is accepted, and moves the state", async () => {
    const envelope = await signed(warrant(), alice, bob);
    const decision = decideWarrant({ envelope }, policy);
    assert.ok(decision.accepted);
    assert.deepEqual(decision.principals, ["alice", "bob"]);
    assert.deepEqual(decision.state.heads.get("web"), { seq: 1, digest: envelope.digest });
    assert.deepEqual(decision.state.floor, envelope.warrant.notBefore);
  });

  test("of a group is accepted by a host in it", async () => {
    const envelope = await signed(warrant({ subject: { kind: "group", name: "edge" } }), alice, bob);
    const decision = decideWarrant({ envelope }, policy);
    assert.ok(decision.accepted);
    assert.deepEqual([...decision.state.heads.keys()], ["@edge"]);
  });

  const cases: Record<string, Case> = {
    "signed by nobody": { signers: [], code: "threshold" },
    "signed by one of two": { signers: [alice], code: "threshold" },
    "signed twice by one key": { signers: [alice, alice], code: "threshold", signature: "same-signer" },
    "signed with two keys of one member": {
      signers: [alice, member("alice", 9)],
      code: "threshold",
      signature: "same-signer",
    },
    "signed by one key under two names": {
      signers: [alice, member("bob", 1)],
      code: "threshold",
      signature: "same-signer",
    },
    "signed with a bare key": {
      signers: [alice, privateKeySigner(fixedKey(2))],
      code: "threshold",
      signature: "no-certificate",
    },
    "signed without the right": {
      signers: [alice, member("bob", 2, { rights: { rights: ["upload", "approve"] } })],
      code: "threshold",
      signature: "right",
    },
    "signed with the right on another host": {
      signers: [alice, member("bob", 2, { rights: { hosts: selectors("db", "tag:db") } })],
      code: "threshold",
      signature: "host",
    },
    "signed with a certificate of a foreign CA": {
      signers: [alice, member("bob", 2, { ca: fixedKey(66) })],
      code: "threshold",
      signature: "unknown-ca",
    },
    "signed with a certificate that has ended": {
      signers: [alice, member("bob", 2, { validBefore: BigInt(later(0).getTime() / 1000) })],
      code: "threshold",
      signature: "expired",
    },
    "signed with a certificate for two members": {
      signers: [alice, member("bob", 2, { principals: ["bob", "carol"] })],
      code: "threshold",
      signature: "principal",
    },
    "signed with a login certificate": {
      signers: [alice, member("bob", 2, { critical: [] })],
      code: "threshold",
      signature: "rights",
    },
    "larger than a signer may activate": {
      signers: [alice, member("bob", 2, { rights: { maxClosureBytes: 300 } })],
      code: "threshold",
      signature: "closure-size",
    },
    "signed by a key without a token where a touch is demanded": {
      signers: [alice, member("bob", 2, { rights: { touch: "up" } })],
      code: "threshold",
      signature: "touch",
    },
    "signed with a revoked key": {
      policy: { revocations: parseRevocations(utf8(`${formatPublicKey(fixedKey(2).publicKey)}\n`)) },
      code: "threshold",
      signature: "revoked",
    },
    "where the CA is revoked": {
      policy: { revocations: parseRevocations(utf8(`${formatPublicKey(ca.publicKey)}\n`)) },
      code: "threshold",
      signature: "revoked",
    },
    "for another host": { order: { subject: { kind: "host", name: "db" } }, code: "wrong-host" },
    "for a host whose name differs in case": {
      order: { subject: { kind: "host", name: "Web" } },
      code: "wrong-host",
    },
    "for a group that the host is not in": {
      order: { subject: { kind: "group", name: "vault" } },
      code: "wrong-group",
    },
    "for a group that the root does not know": {
      order: { subject: { kind: "group", name: "web" } },
      code: "wrong-group",
    },
    "of another fleet": { order: { fleet: "other" }, code: "wrong-fleet" },
    "for another store": { policy: { storeDirectory: "/gnu/store" }, code: "wrong-store" },
    "before its time": { policy: { clock: later(-1.001) }, code: "not-yet-valid" },
    "at the second of its end": { order: { expires: later(0) }, code: "expired" },
    "after its end, by a clock that was set back": {
      order: { expires: later(1) },
      policy: { clock: later(-0.5), state: { ...nothingAccepted, floor: later(1) } },
      code: "expired",
    },
    "under a root that has expired": {
      policy: { root: { ...root, expires: later(0) } },
      code: "root-expired",
    },
    "on a host of a group that asks for more": {
      order: { subject: { kind: "host", name: "vault-1" } },
      policy: { host: { name: "vault-1", labels: [] } },
      code: "threshold",
    },
    "whose place another has taken": {
      policy: {
        state: { ...nothingAccepted, heads: new Map([["web", { seq: 1, digest: "0".repeat(64) }]]) },
      },
      code: "fork",
    },
  };
  for (const [name, { order, signers, policy: special, code, signature }] of Object.entries(cases))
    test(`${name} is refused`, async () => {
      const envelope = await signed(warrant(order), ...(signers ?? [alice, bob]));
      const decision = decideWarrant({ envelope }, { ...policy, ...special });
      assert.ok(!decision.accepted);
      assert.equal(decision.code, code);
      const last = decision.signatures.at(-1);
      if (signature !== undefined) assert.equal(last?.accepted === false && last.code, signature);
    });
});

test("three are enough where a group asks for three, and a lax group takes nothing away", async () => {
  const host = { name: "vault-1", labels: [] };
  const envelope = await signed(warrant({ subject: { kind: "host", name: "vault-1" } }), alice, bob, carol);
  assert.ok(decideWarrant({ envelope }, { ...policy, host }).accepted);
  const lax = { ...root, warrant: { threshold: 2, groups: new Map([["edge", 1]]) } };
  assert.equal(thresholdFor(lax, web), 2);
});

test("the next one is accepted after it, and it is not accepted after the next one", async () => {
  const first = await signed(warrant(), alice, bob);
  const second = await signed(next(first), alice, bob);
  const one = decideWarrant({ envelope: first }, policy);
  assert.ok(one.accepted);
  const two = decideWarrant({ envelope: second }, { ...policy, state: one.state });
  assert.ok(two.accepted);
  for (const envelope of [first, second]) {
    const again = decideWarrant({ envelope }, { ...policy, state: two.state });
    assert.ok(!again.accepted);
    assert.equal(again.code, "replayed");
  }
});
