import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { keys, rootOf } from "../../../test/support/roots.ts";
import { Keygen } from "../../../test/support/ssh-keygen.ts";
import { NixsealError } from "../../core/errors.ts";
import { formatPublicKey } from "../../ssh/public-key-line.ts";
import { revocationOf } from "../../ssh/revocations.ts";
import { privateKeySigner, signMessage } from "../../ssh/signer.ts";
import { decideKrl, krlNamespace, type KrlAccepted, type KrlEvidence } from "./decide.ts";

const [ca, rootKey, stranger, victim] = [keys[7]!, keys[0]!, keys[3]!, keys[4]!];
const now = new Date("2100-01-01T00:00:00Z"); // ssh-keygen writes the real time into its lists
const policy = { root: rootOf(), seen: null, now };

async function listOf(keygen: Keygen, version: number, key = victim): Promise<Uint8Array> {
  keygen.write("victim.pub", `${formatPublicKey(key.publicKey)}\n`);
  keygen.run(["-q", "-k", "-f", `krl${version}`, "-z", String(version), "victim.pub"]);
  return keygen.read(`krl${version}`);
}

async function evidence(file: Uint8Array, by = ca, namespace = krlNamespace): Promise<KrlEvidence> {
  return { file, signatures: [await signMessage(file, namespace, privateKeySigner(by))] };
}

const accepted = (decision: ReturnType<typeof decideKrl>): KrlAccepted => {
  assert.ok(decision.accepted);
  return decision;
};
const code = (decision: ReturnType<typeof decideKrl>): string =>
  decision.accepted ? "accepted" : decision.code;

test("a list of ssh-keygen, signed by a CA key of the root", async (context) => {
  const file = await listOf(new Keygen(context), 3);
  const { krl, seen } = accepted(decideKrl(await evidence(file), policy));
  assert.equal(krl!.version, 3n);
  assert.equal(revocationOf(krl!, victim.publicKey), "the key is revoked");
  assert.equal(code(decideKrl(await evidence(file), { ...policy, seen })), "accepted");
});

test("nobody else's, and for nothing else", async (context) => {
  const file = await listOf(new Keygen(context), 1);
  assert.equal(code(decideKrl(await evidence(file, stranger), policy)), "krl-signature");
  assert.equal(code(decideKrl(await evidence(file, rootKey), policy)), "krl-signature");
  assert.equal(code(decideKrl(await evidence(file, ca, "file"), policy)), "krl-signature");
  assert.equal(code(decideKrl({ file, signatures: [] }, policy)), "krl-signature");
});

test("never an older one than was seen, nor another of its number, nor none", async (context) => {
  const keygen = new Keygen(context);
  const [one, two] = [await listOf(keygen, 1), await listOf(keygen, 2)];
  const { seen } = accepted(decideKrl(await evidence(two), policy));
  assert.equal(code(decideKrl(await evidence(one), { ...policy, seen })), "krl-version");
  assert.equal(code(decideKrl(null, { ...policy, seen })), "krl-version");
  const other = await listOf(new Keygen(context), 2, stranger);
  assert.equal(code(decideKrl(await evidence(other), { ...policy, seen })), "krl-version");
  assert.equal(code(decideKrl(null, policy)), "accepted");
});

test("a list from the future tells of a wrong clock", async (context) => {
  const file = await listOf(new Keygen(context), 1);
  const past = new Date("2020-01-01T00:00:00Z");
  assert.equal(code(decideKrl(await evidence(file), { ...policy, now: past })), "krl-future");
});

test("no single changed byte of the list is accepted", async (context) => {
  const file = await listOf(new Keygen(context), 1);
  const { signatures } = await evidence(file);
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), (place, flip) => {
      const changed = Uint8Array.from(file);
      changed[place % file.length]! ^= flip;
      try {
        assert.equal(decideKrl({ file: changed, signatures }, policy).accepted, false);
      } catch (error) {
        if (!(error instanceof NixsealError) || error.code === "bug") throw error;
      }
    }),
    { numRuns: 500 },
  );
});
