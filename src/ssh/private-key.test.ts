import assert from "node:assert/strict";
import { sign, verify } from "node:crypto";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import { Keygen } from "../../test/support/ssh-keygen.ts";
import { concat, utf8 } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import { SecretValue } from "../core/secret-value.ts";
import { publicKeyObject } from "./key-object.ts";
import type { PrivateKey } from "./private-key-material.ts";
import { parsePrivateKey } from "./private-key.ts";
import { parsePublicKeyLine } from "./public-key-line.ts";

const kinds = [
  ["ed25519"],
  ["ecdsa", "-b", "256"],
  ["ecdsa", "-b", "384"],
  ["ecdsa", "-b", "521"],
  ["rsa", "-b", "2048"],
] as const;

/** The private half signs what the public half of the `.pub` file verifies. */
function assertPair(key: PrivateKey, pub: string): void {
  const { key: stated } = parsePublicKeyLine(pub);
  assert.deepEqual(key.publicKey, stated);
  const digest = key.type === "ssh-ed25519" ? null : "sha512";
  const signature = sign(digest, utf8("message"), key.keyObject);
  assert.ok(verify(digest, utf8("message"), publicKeyObject(stated), signature));
}

function ready(file: Uint8Array): PrivateKey {
  const parsed = parsePrivateKey(file);
  assert.ok(parsed.state === "ready");
  return parsed.key;
}

suite("private keys of ssh-keygen", () => {
  for (const [type, ...options] of kinds) {
    test(`${type} ${options.join(" ")}, plain`, (t) => {
      const keygen = new Keygen(t);
      keygen.key("k", type, ...options);
      const key = ready(keygen.read("k"));
      assertPair(key, keygen.text("k.pub"));
      assert.equal(key.comment, "k");
    });

    test(`${type} ${options.join(" ")}, PEM and PKCS #8`, (t) => {
      const keygen = new Keygen(t);
      for (const format of ["PEM", "PKCS8"]) {
        if (type === "ed25519") continue; // ssh-keygen writes those in its own format only
        keygen.key(format, type, ...options, "-m", format);
        assertPair(ready(keygen.read(format)), keygen.text(`${format}.pub`));
      }
    });
  }

  for (const cipher of [
    "aes256-ctr",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-cbc",
    "aes192-cbc",
    "aes128-cbc",
    "3des-cbc",
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
  ]) {
    test(`behind a passphrase with ${cipher}`, async (t) => {
      const keygen = new Keygen(t);
      keygen.run(["-q", "-t", "ed25519", "-a", "2", "-Z", cipher, "-N", "pass wörd", "-C", "c", "-f", "k"]);
      const parsed = parsePrivateKey(keygen.read("k"));
      assert.ok(parsed.state === "encrypted");
      assert.deepEqual(parsed.publicKey, parsePublicKeyLine(keygen.text("k.pub")).key);
      const key = await parsed.decrypt(SecretValue.fromText("pass wörd"));
      assertPair(key, keygen.text("k.pub"));
      assert.equal(key.comment, "c");
      await assert.rejects(parsed.decrypt(SecretValue.fromText("other")), { code: "refused" });
      await assert.rejects(parsed.decrypt(SecretValue.fromText("")), { code: "refused" });
    });
  }

  test("chacha20-poly1305 is refused by name, with the way out", (t) => {
    const keygen = new Keygen(t);
    keygen.run(["-q", "-t", "ed25519", "-Z", "chacha20-poly1305@openssh.com", "-N", "word", "-f", "k"]);
    assert.throws(() => parsePrivateKey(keygen.read("k")), {
      code: "refused",
      message: /chacha20/,
      hint: /-Z/,
    });
  });

  test("a passphrase on PEM is refused with the way out, which then works", async (t) => {
    const keygen = new Keygen(t);
    for (const format of ["PEM", "PKCS8"]) {
      keygen.run(["-q", "-t", "rsa", "-b", "2048", "-m", format, "-N", "word1", "-f", format]);
      assert.throws(() => parsePrivateKey(keygen.read(format)), { code: "refused", hint: /ssh-keygen -p/ });
      keygen.run(["-q", "-p", "-P", "word1", "-N", "word1", "-a", "1", "-f", format]);
      const parsed = parsePrivateKey(keygen.read(format));
      assert.ok(parsed.state === "encrypted");
      assertPair(await parsed.decrypt(SecretValue.fromText("word1")), keygen.text(`${format}.pub`));
    }
  });

  test("4294967295 rounds are refused before any work", (t) => {
    const keygen = new Keygen(t);
    keygen.run(["-q", "-t", "ed25519", "-a", "3", "-N", "word1", "-f", "k"]);
    const file = changeBody(keygen.text("k"), (bytes) => {
      // string "bcrypt", string options: string salt (16), u32 rounds
      const rounds = bytes.indexOf("bcrypt") + 6 + 4 + 4 + 16;
      assert.equal(bytes.readUInt32BE(rounds), 3);
      bytes.writeUInt32BE(0xffffffff, rounds);
    });
    assert.throws(() => parsePrivateKey(file), { code: "limit" });
  });
});

test("no changed byte gives another key, and nothing but NixsealError is thrown", (t) => {
  const keygen = new Keygen(t);
  for (const [type, ...options] of [["ed25519"], ["rsa", "-b", "2048"], ["ecdsa"]] as const) {
    keygen.key(type, type, ...options);
    const original = ready(keygen.read(type));
    const numbers = original.keyObject.export({ type: "pkcs8", format: "der" });
    const length = Buffer.from(keygen.text(type).split("\n").slice(1, -2).join(""), "base64").length;
    fc.assert(
      fc.property(fc.nat(length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const file = changeBody(keygen.text(type), (bytes) => {
          bytes[at]! ^= change;
        });
        try {
          // Only the comment has no second copy to disagree with.
          const changed = ready(file);
          assert.deepEqual(changed.publicKey, original.publicKey);
          assert.deepEqual(changed.keyObject.export({ type: "pkcs8", format: "der" }), numbers);
        } catch (error) {
          assert.ok(error instanceof NixsealError, String(error));
        }
      }),
      { numRuns: 300 },
    );
  }
});

test("in an ed25519 file every byte but the comment's is checked", (t) => {
  const keygen = new Keygen(t);
  keygen.key("comment");
  const bytes = Buffer.from(keygen.text("comment").split("\n").slice(1, -2).join(""), "base64");
  const accepted = [...bytes.keys()].filter((at) => {
    const file = changeBody(keygen.text("comment"), (body) => {
      body[at]! ^= 1;
    });
    try {
      return ready(file).type === "ssh-ed25519";
    } catch (error) {
      assert.ok(error instanceof NixsealError, String(error));
      return false;
    }
  });
  const start = bytes.lastIndexOf("comment");
  assert.deepEqual(
    accepted,
    Array.from({ length: 7 }, (_, i) => start + i),
  );
});

test("armor: other line ends and widths pass, anything before or behind does not", (t) => {
  const keygen = new Keygen(t);
  keygen.key("k");
  const text = keygen.text("k");
  for (const good of [text.replaceAll("\n", "\r\n"), text.trimEnd(), changeWidth(text, 64)]) {
    assert.equal(ready(utf8(good)).comment, "k");
  }
  for (const bad of [`x\n${text}`, `${text}x`, text.replace("END", "END "), text.slice(0, 200), "", "\xff"]) {
    assert.throws(() => parsePrivateKey(utf8(bad)), { code: "malformed" });
  }
  assert.throws(() => parsePrivateKey(concat(utf8(text), new Uint8Array(1 << 16).fill(10))), {
    code: "limit",
  });
});

test("PEM with anything before or behind is malformed, though OpenSSL would look past it", (t) => {
  const keygen = new Keygen(t);
  keygen.key("k", "rsa", "-b", "2048", "-m", "PEM");
  const text = keygen.text("k");
  assert.equal(ready(utf8(text)).type, "ssh-rsa");
  for (const bad of [`note\n${text}`, `${text}note\n`, text + text, text.replace("RSA PRIVATE", "PUBLIC")]) {
    assert.throws(() => parsePrivateKey(utf8(bad)), { code: "malformed" });
  }
});

test("a comment in another encoding does not lock its owner out", (t) => {
  const keygen = new Keygen(t);
  keygen.key("caf_");
  const file = changeBody(keygen.text("caf_"), (bytes) => {
    bytes[bytes.lastIndexOf("caf_") + 3] = 0xe9; // é in Latin-1
  });
  assert.equal(ready(file).comment, "caf\ufffd");
});

test("an ed25519 file with a foreign public half is refused", (t) => {
  const keygen = new Keygen(t);
  keygen.key("a");
  keygen.key("b");
  const [a, b] = [ready(keygen.read("a")).publicKey, ready(keygen.read("b")).publicKey];
  assert.ok(a.type === "ssh-ed25519" && b.type === "ssh-ed25519");
  const file = changeBody(keygen.text("a"), (bytes) => {
    for (let i = bytes.indexOf(a.point); i !== -1; i = bytes.indexOf(a.point)) bytes.set(b.point, i);
  });
  assert.throws(() => parsePrivateKey(file), { code: "malformed" });
});

function changeBody(text: string, change: (bytes: Buffer) => void): Uint8Array {
  const [begin, ...lines] = text.trimEnd().split("\n");
  const bytes = Buffer.from(lines.slice(0, -1).join(""), "base64");
  change(bytes);
  return utf8([begin, bytes.toString("base64"), lines.at(-1), ""].join("\n"));
}

function changeWidth(text: string, width: number): string {
  const [begin, ...lines] = text.trimEnd().split("\n");
  const body = lines
    .slice(0, -1)
    .join("")
    .match(new RegExp(`.{1,${width}}`, "g"));
  return [begin, ...body!, lines.at(-1), ""].join("\n");
}
