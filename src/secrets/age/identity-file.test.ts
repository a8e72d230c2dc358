import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { newIdentity } from "../../../test/support/age-examples.ts";
import { AgeTools, random } from "../../../test/support/age-tools.ts";
import { utf8 } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { SecretValue } from "../../core/secret-value.ts";
import { decryptBytes } from "./decrypt.ts";
import { encryptBytes } from "./encrypt.ts";
import { parseIdentityFile } from "./identity-file.ts";
import { parseIdentity } from "./parse-identity.ts";
import { ScryptRecipient } from "./scrypt.ts";

test("comments, empty lines and both line ends", () => {
  const file = utf8(`# created: today\r\n\r\n${newIdentity()}\r\n   # more\n${newIdentity()}`);
  assert.equal(parseIdentityFile(file, "keys", {}).length, 2);
});

test("a bad line is named by its number and never repeated", () => {
  const broken = `${newIdentity().slice(0, -1)}B`;
  assert.throws(
    () => parseIdentityFile(utf8(`# one\n${newIdentity()}\n${broken}\n`), "keys", {}),
    (error: unknown) => {
      assert.ok(error instanceof NixsealError);
      assert.deepEqual(error.where, { file: "keys", line: 3 });
      assert.ok(!JSON.stringify([error.message, error.hint]).includes(broken.slice(20, 30)));
      return error.code === "malformed";
    },
  );
});

test("what is no identity", async (context) => {
  const tools = new AgeTools(context);
  const recipient = tools.ageKey("key");
  for (const text of [
    "",
    "# nothing\n",
    recipient,
    newIdentity().toLowerCase(),
    "hello",
    "\0",
    "AGE-SECRET-KEY-1",
  ])
    assert.throws(
      () => parseIdentityFile(utf8(text), "keys", {}),
      { code: "malformed" },
      JSON.stringify(text),
    );
  tools.sshKey("ecdsa", "ecdsa");
  assert.throws(() => parseIdentityFile(tools.read("ecdsa"), "ecdsa", {}), { code: "refused" });
});

test("an identity file behind a passphrase is asked for once, when it is needed", async () => {
  const text = newIdentity();
  const passphrase = SecretValue.fromText("hunter2");
  const locked = await encryptBytes(
    utf8(`${text}\n`),
    [new ScryptRecipient(passphrase, random, 10)],
    random,
    {
      armor: true,
    },
  );
  let asked = 0;
  const identities = parseIdentityFile(locked, "keys.age", {
    passphrase: async () => {
      asked += 1;
      return passphrase;
    },
  });
  assert.equal(asked, 0);
  const file = await encryptBytes(utf8("value"), await parseIdentity(text, {}).recipients(random), random);
  for (let times = 0; times < 2; times++)
    assert.deepEqual((await decryptBytes(file, identities)).reveal(), utf8("value"));
  assert.equal(asked, 1);

  const wrong = parseIdentityFile(locked, "keys.age", {
    passphrase: async () => SecretValue.fromText("wrong"),
  });
  await assert.rejects(decryptBytes(file, wrong), { code: "refused", where: { file: "keys.age" } });
  await assert.rejects(decryptBytes(file, parseIdentityFile(locked, "keys.age", {})), { code: "refused" });
});

test("fuzz: an error of ours or identities", () =>
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        fc.string().map((text) => utf8(`-----BEGIN OPENSSH PRIVATE KEY-----\n${text}`)),
        fc.string().map((text) => utf8(`AGE-SECRET-KEY-1${text}`)),
      ),
      (bytes) => assert.throws(() => parseIdentityFile(bytes, "keys", {}), NixsealError),
    ),
    { numRuns: 1000 },
  ));
