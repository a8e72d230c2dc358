import assert from "node:assert/strict";
import { createHash, sign } from "node:crypto";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import { authenticator, fixedKey } from "../../test/support/ssh-artifacts.ts";
import { Keygen } from "../../test/support/ssh-keygen.ts";
import { concat, utf8 } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import { parsePrivateKey } from "./private-key.ts";
import { ecdsaPrivateKey, type PrivateKey } from "./private-key-material.ts";
import { formatPublicKey } from "./public-key-line.ts";
import { ed25519PublicKey, parsePublicKey } from "./public-key.ts";
import { verifySignature } from "./signature.ts";
import { privateKeySigner } from "./signer.ts";
import { armorSshSig, signedData } from "./sshsig.ts";
import { mpint, string, u32, u8 } from "./wire.ts";

const data = utf8("data");
const order = 2n ** 252n + 27742317777372353535851937790883648493n;

function made(keygen: Keygen, type: string, ...options: string[]): PrivateKey {
  keygen.key("k", type, ...options);
  const file = parsePrivateKey(keygen.read("k"));
  assert.ok(file.state === "ready");
  return file.key;
}

function codeOf(result: ReturnType<typeof verifySignature>): string {
  return result.accepted ? "accepted" : result.code;
}

suite("what our signer makes, our verifier takes; no other message, no changed byte", () => {
  for (const [type, ...options] of [
    ["ed25519"],
    ["ecdsa", "-b", "256"],
    ["ecdsa", "-b", "384"],
    ["ecdsa", "-b", "521"],
    ["rsa", "-b", "2048"],
  ] as const) {
    test(`${type} ${options.join(" ")}`, async (t) => {
      const key = made(new Keygen(t), type, ...options);
      const signature = await privateKeySigner(key).sign(data);
      assert.equal(codeOf(verifySignature(key.publicKey, data, signature)), "accepted");
      assert.equal(codeOf(verifySignature(key.publicKey, utf8("other"), signature)), "bad-signature");
      const change = fc.tuple(fc.nat(signature.length - 1), fc.integer({ min: 1, max: 255 }));
      fc.assert(
        fc.property(change, ([at, bits]) => {
          const changed = Uint8Array.from(signature);
          changed[at]! ^= bits;
          try {
            assert.notEqual(codeOf(verifySignature(key.publicKey, data, changed)), "accepted");
          } catch (error) {
            assert.ok(error instanceof NixsealError && error.code === "malformed", String(error));
          }
        }),
        { numRuns: 150 },
      );
    });
  }
});

test("an ed25519 signature whose S is not reduced is refused", () => {
  const { publicKey, keyObject } = fixedKey(1);
  const value = new Uint8Array(sign(null, data, keyObject));
  const twin = concat(value.subarray(0, 32), addOrder(value.subarray(32)));
  assert.equal(
    codeOf(verifySignature(publicKey, data, concat(string("ssh-ed25519"), string(twin)))),
    "bad-signature",
  );
});

test("a key of low order is refused though OpenSSL takes its signature", () => {
  const neutral = new Uint8Array(32);
  neutral[0] = 1;
  const forged = concat(string("ssh-ed25519"), string(concat(neutral, new Uint8Array(32))));
  assert.equal(codeOf(verifySignature(ed25519PublicKey(neutral), data, forged)), "weak-key");
});

test("RSA: SHA-1, a short modulus and a shortened signature are refused", async (t) => {
  const key = made(new Keygen(t), "rsa", "-b", "2048");
  const sha1 = concat(string("ssh-rsa"), string(sign("sha1", data, key.keyObject)));
  assert.equal(codeOf(verifySignature(key.publicKey, data, sha1)), "algorithm");
  const short = made(new Keygen(t), "rsa", "-b", "1024");
  assert.equal(
    codeOf(verifySignature(short.publicKey, data, await privateKeySigner(short).sign(data))),
    "weak-key",
  );
  const value = sign("sha256", data, key.keyObject);
  const with256 = (bytes: Uint8Array) => concat(string("rsa-sha2-256"), string(bytes));
  assert.equal(codeOf(verifySignature(key.publicKey, data, with256(value))), "accepted");
  assert.equal(codeOf(verifySignature(key.publicKey, data, with256(concat(u8(0), value)))), "bad-signature");
});

test("the algorithm must be the key's own, also where names are inherited by every object", async () => {
  const { publicKey } = fixedKey(1);
  const signature = await privateKeySigner(fixedKey(1)).sign(data);
  const value = signature.subarray(4 + "ssh-ed25519".length);
  for (const name of ["ssh-ed448", "ssh-rsa", "rsa-sha2-512", "constructor", ""]) {
    assert.equal(codeOf(verifySignature(publicKey, data, concat(string(name), value))), "algorithm", name);
  }
});

test("ecdsa numbers that are too long are refused, needless zeros are malformed", (t) => {
  const { publicKey } = made(new Keygen(t), "ecdsa");
  const blob = (inner: Uint8Array) => concat(string(publicKey.type), string(inner));
  const long = mpint(new Uint8Array(40).fill(1));
  assert.equal(codeOf(verifySignature(publicKey, data, blob(concat(long, long)))), "bad-signature");
  const zeros = string(Uint8Array.of(0, 1));
  assert.throws(() => verifySignature(publicKey, data, blob(concat(zeros, zeros))), { code: "malformed" });
  const extra = concat(mpint(u8(1)), mpint(u8(1)), u8(0));
  assert.throws(() => verifySignature(publicKey, data, blob(extra)), { code: "malformed" });
});

test("sk keys: presence always, verification on demand, flags and counter signed", async () => {
  const touched = authenticator(3, 1, 42);
  const verified = authenticator(3, 5);
  const untouched = authenticator(3, 0);
  const key = touched.identity;
  const result = verifySignature(key, data, await touched.sign(data));
  assert.deepEqual(result, {
    accepted: true,
    algorithm: "sk-ssh-ed25519@openssh.com",
    authenticator: { userPresence: true, userVerification: false, counter: 42 },
  });
  assert.equal(codeOf(verifySignature(key, data, await untouched.sign(data))), "no-user-presence");
  const demand = { userVerification: true };
  assert.equal(codeOf(verifySignature(key, data, await touched.sign(data), demand)), "no-user-verification");
  assert.equal(codeOf(verifySignature(key, data, await verified.sign(data), demand)), "accepted");
  const raised = Uint8Array.from(await untouched.sign(data));
  raised[raised.length - 5] = 5;
  assert.equal(codeOf(verifySignature(key, data, raised)), "bad-signature");
  const plain = privateKeySigner(fixedKey(1));
  const code = codeOf(verifySignature(fixedKey(1).publicKey, data, await plain.sign(data), demand));
  assert.equal(code, "no-user-verification");
});

test("sk-ecdsa keys, whose signatures are numbers with flags behind", (t) => {
  const key = ecdsaPrivateKey("nistp256", new Uint8Array(32).fill(5));
  const type = "sk-ecdsa-sha2-nistp256@openssh.com";
  const identity = parsePublicKey(
    concat(string(type), string("nistp256"), string(key.publicKey.point), string("ssh:")),
  );
  const sha256 = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest();
  const signed = (message: Uint8Array, flags: number) => {
    const bytes = concat(sha256("ssh:"), u8(flags), u32(9), sha256(message));
    const fixed = sign("sha256", bytes, { key: key.keyObject, dsaEncoding: "ieee-p1363" });
    const numbers = concat(mpint(fixed.subarray(0, 32)), mpint(fixed.subarray(32)));
    return concat(string(type), string(numbers), u8(flags), u32(9));
  };
  assert.equal(codeOf(verifySignature(identity, data, signed(data, 1))), "accepted");
  assert.equal(codeOf(verifySignature(identity, data, signed(data, 0))), "no-user-presence");
  assert.equal(codeOf(verifySignature(identity, utf8("other"), signed(data, 1))), "bad-signature");
  const webauthn = concat(string(`webauthn-${type}`), signed(data, 1).subarray(4 + type.length));
  assert.equal(codeOf(verifySignature(identity, data, webauthn)), "algorithm");

  const keygen = new Keygen(t);
  const signature = signed(signedData(data, { namespace: "file", hash: "sha512" }), 1);
  keygen.write("s", armorSshSig({ signer: identity, namespace: "file", hash: "sha512", signature }));
  keygen.write("f", `alice ${formatPublicKey(identity)}`);
  keygen.run(["-Y", "verify", "-f", "f", "-I", "alice", "-n", "file", "-s", "s"], data);
});

test("any bytes are decided or malformed", () => {
  const keys = [fixedKey(1).publicKey, authenticator(3, 1).identity];
  fc.assert(
    fc.property(fc.constantFrom(...keys), fc.array(fc.uint8Array({ maxLength: 70 })), (key, fields) => {
      try {
        const blob = concat(string(key.type), ...fields.map((field) => string(field)));
        assert.notEqual(codeOf(verifySignature(key, data, blob)), "accepted");
      } catch (error) {
        assert.ok(error instanceof NixsealError && error.code === "malformed", String(error));
      }
    }),
  );
});

function addOrder(scalar: Uint8Array): Uint8Array {
  const value = scalar.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n) + order;
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
}
