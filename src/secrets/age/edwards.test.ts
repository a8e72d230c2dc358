import assert from "node:assert/strict";
import { createHash, createPublicKey } from "node:crypto";
import { test } from "node:test";
import { random } from "../../../test/support/age-tools.ts";
import { SecretValue } from "../../core/secret-value.ts";
import { ed25519PrivateKey } from "../../ssh/private-key-material.ts";
import { privateKey, publicOf } from "./curve25519.ts";
import { montgomeryU } from "./edwards.ts";
import { SshEd25519Recipient } from "./ssh-ed25519.ts";

test("the point and the scalar of a key lead to the same X25519 key", () => {
  for (let times = 0; times < 50; times++) {
    const seed = random.bytes(32);
    const key = ed25519PrivateKey(new SecretValue(seed));
    const scalar = createHash("sha512").update(seed).digest().subarray(0, 32);
    assert.deepEqual(montgomeryU(key.publicKey.point), publicOf(privateKey(scalar)));
  }
});

test("what is no point of the curve, or no canonical one", () => {
  const y = (value: bigint): Uint8Array =>
    Uint8Array.from({ length: 32 }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn));
  const p = 2n ** 255n - 19n;
  assert.throws(() => montgomeryU(y(2n)), { code: "malformed" });
  assert.throws(() => montgomeryU(y(p + 3n)), { code: "malformed" });
  assert.throws(() => montgomeryU(new Uint8Array(31)), { code: "malformed" });
});

test("a point of low order is no recipient", () => {
  const blob = new Uint8Array(51);
  const key = {
    type: "ssh-ed25519",
    blob,
    fingerprint: "SHA256:" as never,
    point: Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0)),
  } as const;
  assert.throws(() => new SshEd25519Recipient(key, random), { code: "malformed" });
});

test("a key imported for arithmetic only has the right public half", () => {
  const key = privateKey(random.bytes(32));
  const der = createPublicKey(key).export({ format: "der", type: "spki" });
  assert.deepEqual(Buffer.from(publicOf(key)), der.subarray(12));
});
