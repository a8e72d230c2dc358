import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../../../test/support/age-tools.ts";
import { exampleKeys } from "../../../test/support/age-examples.ts";
import { concat, utf8 } from "../../core/bytes.ts";
import { SecretValue } from "../../core/secret-value.ts";
import { decrypt, decryptBytes } from "./decrypt.ts";
import { encryptBytes } from "./encrypt.ts";
import { encodeHeader, findHeaderEnd, parseHeader } from "./header.ts";
import { limits } from "./limits.ts";
import { ScryptRecipient } from "./scrypt.ts";
import type { Stanza } from "./stanza.ts";

const key = random.bytes(16);
const stanza = (size: number): Stanza => ({ args: ["x", "y"], body: random.bytes(size) });

test("what was encoded is parsed to the same, whatever the length of a body", () => {
  for (const size of [0, 1, 47, 48, 49, 96, 1000]) {
    const stanzas = [stanza(size), stanza(3)];
    const header = encodeHeader(stanzas, key);
    const parsed = parseHeader(concat(header, utf8("payload")));
    assert.deepEqual(parsed.stanzas, stanzas);
    assert.equal(parsed.size, header.length);
  }
});

test("limits", () => {
  const many = encodeHeader(
    Array.from({ length: limits.stanzas + 1 }, () => stanza(0)),
    key,
  );
  assert.throws(() => parseHeader(many), { code: "limit" });
  const wide = encodeHeader([{ args: Array.from({ length: 65 }, () => "a"), body: key }], key);
  assert.throws(() => parseHeader(wide), { code: "limit" });
  const long = encodeHeader([{ args: ["a".repeat(limits.argumentLine)], body: key }], key);
  assert.throws(() => parseHeader(long), { code: "limit" });
  const endless = concat(utf8("age-encryption.org/v1\n"), new Uint8Array(limits.header).fill(0x61));
  assert.throws(() => findHeaderEnd(endless), { code: "limit" });
});

test("a stream without an end is given up, not collected", async () => {
  async function* endless(start: string): AsyncGenerator<Uint8Array> {
    yield utf8(start);
    for (;;) yield new Uint8Array(64 << 10).fill(0x61);
  }
  const first = (start: string) => decrypt(endless(start), exampleKeys().identities).next();
  await assert.rejects(first("age-encryption.org/v1\n-> x\n"), { code: "limit" });
  await assert.rejects(first("hello"), { code: "malformed" });
  await assert.rejects(first("-----BEGIN AGE ENCRYPTED FILE-----\n"), { code: "malformed" });
});

test("files that went through a text conversion say so", async () => {
  const { identities, recipients } = exampleKeys();
  const file = Buffer.from(await encryptBytes(utf8("value"), recipients, random));
  const windows = Buffer.from(file.toString("latin1").replaceAll("\n", "\r\n"), "latin1");
  const utf16 = Buffer.from(`\ufeff${file.toString("latin1")}`, "utf16le");
  for (const bytes of [windows, utf16])
    await assert.rejects(decryptBytes(bytes, identities), { code: "malformed", hint: /text conversion/ });
});

test("a passphrase beside a key is refused when writing, too", async () => {
  const passphrase = new ScryptRecipient(SecretValue.fromText("hunter2"), random, 10);
  const { recipients } = exampleKeys();
  await assert.rejects(encryptBytes(key, [passphrase, ...recipients], random), { code: "refused" });
  await assert.rejects(encryptBytes(key, [passphrase, passphrase], random), { code: "refused" });
  await assert.rejects(encryptBytes(key, [], random), { code: "usage" });
});
