/** Both directions with typage, whose classes also take the place of ours. */
import assert from "node:assert/strict";
import { createECDH, createHash } from "node:crypto";
import { test } from "node:test";
import {
  armor,
  Decrypter,
  Encrypter,
  generateHybridIdentity,
  generateX25519Identity,
  identityToRecipient,
} from "age-encryption";
import { random } from "../../../test/support/age-tools.ts";
import { base64Unpadded, concat, fromBase64, utf8 } from "../../core/bytes.ts";
import { SecretValue } from "../../core/secret-value.ts";
import { encodeBech32 } from "./bech32.ts";
import { decryptBytes } from "./decrypt.ts";
import { encryptBytes } from "./encrypt.ts";
import { openFileKey } from "./file-key.ts";
import { dhKemSecret, hpkeKeys, kems } from "./hpke.ts";
import { extract } from "./hkdf.ts";
import type { Identity } from "./identity.ts";
import { parseIdentity } from "./parse-identity.ts";
import { parseRecipient } from "./parse-recipient.ts";
import { ScryptIdentity, ScryptRecipient } from "./scrypt.ts";

const value = utf8("value");

test("native keys, also post-quantum ones, in both directions", async () => {
  for (const generate of [generateX25519Identity, generateHybridIdentity]) {
    const identity = await generate();
    const recipient = await identityToRecipient(identity);
    const encrypter = new Encrypter();
    encrypter.addRecipient(recipient);
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity);

    const theirs = await encrypter.encrypt(value);
    for (const file of [theirs, utf8(armor.encode(theirs))])
      assert.deepEqual((await decryptBytes(file, [parseIdentity(identity, {})])).reveal(), value);
    const ours = await encryptBytes(value, [parseRecipient(recipient, { random })], random);
    assert.deepEqual(await decrypter.decrypt(ours), value);
    const armored = await encryptBytes(value, [parseRecipient(recipient, { random })], random, {
      armor: true,
    });
    assert.deepEqual(await decrypter.decrypt(armor.decode(Buffer.from(armored).toString())), value);
  }
});

test("passphrases in both directions", async () => {
  const passphrase = SecretValue.fromText("hunter2");
  const encrypter = new Encrypter();
  encrypter.setScryptWorkFactor(10);
  encrypter.setPassphrase("hunter2");
  const theirs = await encrypter.encrypt(value);
  assert.deepEqual((await decryptBytes(theirs, [new ScryptIdentity(() => passphrase)])).reveal(), value);
  const wrong = new ScryptIdentity(() => SecretValue.fromText("wrong"));
  await assert.rejects(decryptBytes(theirs, [wrong]), { code: "refused" });

  const decrypter = new Decrypter();
  decrypter.addPassphrase("hunter2");
  const ours = await encryptBytes(value, [new ScryptRecipient(passphrase, random, 10)], random);
  assert.deepEqual(await decrypter.decrypt(ours), value);
});

test("our recipients and identities plug into typage", async () => {
  const text = await generateX25519Identity();
  const encrypter = new Encrypter();
  encrypter.addRecipient(parseRecipient(await identityToRecipient(text), { random }));
  const decrypter = new Decrypter();
  decrypter.addIdentity(parseIdentity(text, {}));
  assert.deepEqual(await decrypter.decrypt(await encrypter.encrypt(value)), value);
});

test("post-quantum and classical recipients do not share a file", async () => {
  const texts = [await generateHybridIdentity(), await generateX25519Identity()];
  const recipients = await Promise.all(
    texts.map(async (text) => parseRecipient(await identityToRecipient(text), { random })),
  );
  for (const order of [recipients, recipients.toReversed()])
    await assert.rejects(encryptBytes(value, order, random), { code: "refused" });
  assert.ok(await encryptBytes(value, [recipients[0]!, recipients[0]!], random));
});

/** What the hardware behind `age1tag1…` does, with its key in our hands. */
function tagKey(): { recipient: string; identity: Identity } {
  const key = createECDH("prime256v1");
  key.generateKeys();
  const compressed = new Uint8Array(key.getPublicKey(null, "compressed"));
  const unwrapFileKey: Identity["unwrapFileKey"] = (stanzas) => {
    const { args, body } = stanzas.find((stanza) => stanza.args[0] === "p256tag")!;
    const share = fromBase64(args[2]!, "unpadded")!;
    const hash = createHash("sha256").update(compressed).digest().subarray(0, 4);
    const label = utf8("age-encryption.org/p256tag");
    assert.equal(args[1], base64Unpadded(extract(label, concat(share, hash)).subarray(0, 4)));
    const shared = new Uint8Array(key.computeSecret(share));
    const secret = dhKemSecret(kems.dhP256, shared, concat(share, new Uint8Array(key.getPublicKey())));
    const { key: wrappingKey, nonce } = hpkeKeys(kems.dhP256, secret, label);
    return openFileKey(body, wrappingKey, nonce);
  };
  return { recipient: encodeBech32("age1tag", compressed), identity: { unwrapFileKey } };
}

test("tagged recipients: what opens typage's stanzas opens ours", async () => {
  const { recipient, identity } = tagKey();
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);
  const ours = await encryptBytes(value, [parseRecipient(recipient, { random })], random);
  for (const file of [await encrypter.encrypt(value), ours])
    assert.deepEqual((await decryptBytes(file, [identity])).reveal(), value);
});

test("tagged post-quantum recipients: what opens typage's stanzas opens ours", async () => {
  const { MLKEM768P256 } = await import("@noble/post-quantum/hybrid.js");
  const { publicKey, secretKey } = MLKEM768P256.keygen();
  const recipient = encodeBech32("age1tagpq", publicKey);
  const identity: Identity = {
    unwrapFileKey: (stanzas) => {
      const { args, body } = stanzas.find((stanza) => stanza.args[0] === "mlkem768p256tag")!;
      const share = fromBase64(args[2]!, "unpadded")!;
      const hash = createHash("sha256").update(publicKey.subarray(1184)).digest().subarray(0, 4);
      const label = utf8("age-encryption.org/mlkem768p256tag");
      assert.equal(args[1], base64Unpadded(extract(label, concat(share, hash)).subarray(0, 4)));
      const secret = MLKEM768P256.decapsulate(Uint8Array.from(share), secretKey);
      const { key, nonce } = hpkeKeys(kems.mlkem768P256, secret, label);
      return openFileKey(body, key, nonce);
    },
  };
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);
  const ours = await encryptBytes(value, [parseRecipient(recipient, { random })], random);
  for (const file of [await encrypter.encrypt(value), ours])
    assert.deepEqual((await decryptBytes(file, [identity])).reveal(), value);
});
