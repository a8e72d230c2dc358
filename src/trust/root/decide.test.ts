import assert from "node:assert/strict";
import { test } from "node:test";
import { keys, later, rootKeys, rootOf, signedRoot, start } from "../../../test/support/roots.ts";
import { authenticator, certificate } from "../../../test/support/ssh-artifacts.ts";
import { privateKeySigner } from "../../ssh/signer.ts";
import {
  decideChain,
  decideExpiry,
  decideFirstRoot,
  decideNextRoot,
  effectiveTime,
  type RootDecision,
} from "./decide.ts";

const [a, b, c, d] = keys as [(typeof keys)[0], (typeof keys)[0], (typeof keys)[0], (typeof keys)[0]];
const verdict = (decision: RootDecision): string => (decision.accepted ? "accepted" : decision.code);
const twoOfThree = rootOf({ root: rootKeys(2, 0, 1, 2) });

test("k of n distinct keys sign a first root", async () => {
  assert.equal(verdict(decideFirstRoot(await signedRoot(twoOfThree, [a, b]))), "accepted");
  assert.equal(verdict(decideFirstRoot(await signedRoot(twoOfThree, [c, a]))), "accepted");
  assert.equal(verdict(decideFirstRoot(await signedRoot(twoOfThree, [a]))), "root-threshold");
  assert.equal(verdict(decideFirstRoot(await signedRoot(twoOfThree, []))), "root-threshold");
});

test("one key that signs twice counts once", async () => {
  assert.equal(verdict(decideFirstRoot(await signedRoot(twoOfThree, [a, a, a]))), "root-threshold");
});

test("keys that are not of the root, and signatures for something else, count for nothing", async () => {
  assert.equal(verdict(decideFirstRoot(await signedRoot(twoOfThree, [a, d]))), "root-threshold");
  assert.equal(verdict(decideFirstRoot(await signedRoot(twoOfThree, [a, b], "git"))), "root-threshold");
  const other = await signedRoot({ ...twoOfThree, gateEpoch: 2 }, [b]);
  const mine = await signedRoot(twoOfThree, [a]);
  const moved = { ...mine, signatures: [...mine.signatures, ...other.signatures] };
  assert.equal(verdict(decideFirstRoot(moved)), "root-threshold");
});

test("a certificate for a root key does not stand for it", async () => {
  const cert = certificate({ key: b.publicKey, ca: a, principals: ["root"] });
  const signed = await signedRoot(twoOfThree, [a, privateKeySigner(b, cert)]);
  assert.equal(verdict(decideFirstRoot(signed)), "root-threshold");
});

test("a token's signature counts only when its user was present", async () => {
  const present = authenticator(20, 1);
  const absent = authenticator(20, 0);
  const root = rootOf({ root: { keys: [present.identity], threshold: 1 } });
  assert.equal(verdict(decideFirstRoot(await signedRoot(root, [present]))), "accepted");
  const signed = await signedRoot(root, [present]);
  const data = await absent.sign(new Uint8Array(3));
  const forged = { ...signed, signatures: [{ ...signed.signatures[0]!, signature: data }] };
  assert.equal(verdict(decideFirstRoot(forged)), "root-threshold");
});

test("the first root is version 1", async () => {
  assert.equal(verdict(decideFirstRoot(await signedRoot(rootOf({ version: 2 }), [a]))), "root-version");
});

test("the next version needs the thresholds of both", async () => {
  const next = { ...rootOf({ version: 2, root: rootKeys(2, 2, 3) }) };
  const judge = async (...by: (typeof keys)[0][]) =>
    verdict(decideNextRoot(twoOfThree, await signedRoot(next, by)));
  assert.equal(await judge(a, b, c, d), "accepted");
  assert.equal(await judge(a, c, d), "accepted"); // c is in both
  assert.equal(await judge(c, d), "root-threshold"); // a coup: only the new keys
  assert.equal(await judge(a, b), "root-threshold"); // only the old ones
  assert.equal(await judge(a, b, c), "root-threshold");
});

test("no version is skipped, repeated or gone back to", async () => {
  for (const version of [1, 3, 4]) {
    const next = await signedRoot({ ...twoOfThree, version }, [a, b]);
    assert.equal(verdict(decideNextRoot(twoOfThree, next)), "root-version");
  }
});

test("a root of another fleet or of an earlier gate epoch does not follow", async () => {
  const other = await signedRoot({ ...twoOfThree, version: 2, fleet: "other" }, [a, b]);
  assert.equal(verdict(decideNextRoot(twoOfThree, other)), "root-fleet");
  const back = await signedRoot({ ...twoOfThree, version: 2, gateEpoch: 0 }, [a, b]);
  assert.equal(verdict(decideNextRoot(twoOfThree, back)), "gate-epoch");
});

test("expired to the second", () => {
  const root = rootOf();
  assert.equal(verdict(decideExpiry(root, new Date(root.expires.getTime() - 1))), "accepted");
  assert.equal(verdict(decideExpiry(root, root.expires)), "root-expired");
});

test("a chain is followed step by step; only its end must not have expired", async () => {
  const first = rootOf({ expires: later(10) });
  const second = rootOf({ version: 2, root: rootKeys(1, 1) });
  const third = rootOf({ version: 3, root: rootKeys(1, 2) });
  const chain = [
    await signedRoot(first, [a]),
    await signedRoot(second, [a, b]),
    await signedRoot(third, [b, c]),
  ];
  assert.equal(verdict(decideChain(null, chain, later(100))), "accepted");
  assert.equal(verdict(decideChain(null, chain, later(400))), "root-expired");
  assert.equal(verdict(decideChain(first, chain.slice(1), later(100))), "accepted");
  assert.equal(verdict(decideChain(null, [chain[0]!, chain[2]!], start)), "root-version");
  assert.equal(verdict(decideChain(first, [chain[2]!], start)), "root-version");
  assert.equal(verdict(decideChain(null, chain.slice(1), start)), "root-version");
  assert.equal(verdict(decideChain(null, [], start)), "root-version");
});

test("what was seen is not gone back from, nor replaced under its number", async () => {
  const first = await signedRoot(rootOf(), [a]);
  const second = rootOf({ version: 2 });
  const fork = await signedRoot({ ...second, gateEpoch: 7 }, [a]);
  assert.equal(verdict(decideChain(second, [first], start)), "root-version");
  assert.equal(verdict(decideChain(second, [first, fork], start)), "root-fork");
  assert.equal(verdict(decideChain(second, [first, await signedRoot(second, [])], start)), "accepted");
});

test("a clock that is set back revives nothing", () => {
  const seen = later(30);
  assert.equal(effectiveTime(start, seen), seen);
  assert.equal(effectiveTime(later(31), seen).getTime(), later(31).getTime());
  assert.equal(effectiveTime(start, null), start);
  const root = rootOf({ expires: later(20) });
  assert.equal(verdict(decideExpiry(root, effectiveTime(start, seen))), "root-expired");
});
