import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import { Keygen } from "../../test/support/ssh-keygen.ts";
import { base64, concat, utf8 } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import { formatPublicKey, parsePublicKeyLine } from "./public-key-line.ts";
import { parsePublicKey } from "./public-key.ts";
import { mpint, string } from "./wire.ts";

const kinds = [
  ["ed25519"],
  ["ecdsa", "-b", "256"],
  ["ecdsa", "-b", "384"],
  ["ecdsa", "-b", "521"],
  ["rsa", "-b", "2048"],
] as const;

/** Made by an authenticator; ssh-keygen cannot make these without one. */
const sk = [
  `sk-ssh-ed25519@openssh.com ${base64(
    concat(string("sk-ssh-ed25519@openssh.com"), string(new Uint8Array(32).fill(9)), string("ssh:")),
  )} token`,
];

suite("public keys of ssh-keygen", () => {
  for (const [type, ...options] of kinds) {
    test(`${type} ${options.join(" ")} reads, writes and has the fingerprint of ssh-keygen -l`, (t) => {
      const keygen = new Keygen(t);
      keygen.key("k", type, ...options);
      const line = keygen.text("k.pub");
      const { key, comment } = parsePublicKeyLine(line);
      assert.equal(`${formatPublicKey(key, comment)}\n`, line);
      const [bits, fingerprint] = keygen.run(["-l", "-f", "k.pub"]).split(" ");
      assert.equal(key.fingerprint, fingerprint);
      if (key.type === "ssh-rsa") assert.equal(key.bits, Number(bits));
    });
  }

  test("a FIDO key keeps its application and has the fingerprint of ssh-keygen -l", (t) => {
    const keygen = new Keygen(t);
    keygen.write("k.pub", `${sk[0]}\n`);
    const { key } = parsePublicKeyLine(sk[0]!);
    assert.equal(key.type === "sk-ssh-ed25519@openssh.com" && key.application, "ssh:");
    assert.equal(keygen.run(["-l", "-f", "k.pub"]).split(" ")[1], key.fingerprint);
  });
});

const blob = concat(string("ssh-ed25519"), string(new Uint8Array(32).fill(7)));
const line = (type: string, bytes: Uint8Array) => `${type} ${base64(bytes)}`;

test("the type in front must be the type inside", () => {
  assert.throws(() => parsePublicKeyLine(line("ssh-rsa", blob)), { code: "malformed" });
});

test("unknown types are refused by name, certificates with a hint", () => {
  assert.throws(() => parsePublicKeyLine(line("ssh-dss", string("ssh-dss"))), {
    code: "refused",
    message: /ssh-dss/,
  });
  assert.throws(() => parsePublicKeyLine(line("ssh-ed25519-cert-v01@openssh.com", blob)), {
    code: "refused",
    hint: /certificate/,
  });
  assert.throws(() => parsePublicKeyLine(line("ssh-ed2551", string("ssh-ed2551"))), { hint: /did you mean/ });
});

test("lines that are not one key are malformed", () => {
  const good = line("ssh-ed25519", blob);
  assert.equal(parsePublicKeyLine(`  ${good}\tme and you \r\n`).comment, "me and you");
  for (const bad of [
    "",
    "ssh-ed25519",
    `${good}\n${good}`,
    good.replace("AAAA", "AA AA"),
    `${good}=`,
    "\0",
  ]) {
    assert.throws(() => parsePublicKeyLine(bad), { code: "malformed" }, JSON.stringify(bad));
  }
});

/** The base point of nistp256. */
const onCurve = Buffer.from(
  "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
  "hex",
);

test("blobs with trailing, missing or wrong parts are malformed", () => {
  for (const bad of [
    concat(blob, Uint8Array.of(0)),
    blob.subarray(0, -1),
    concat(string("ssh-ed25519"), string(new Uint8Array(31))),
    concat(string("ecdsa-sha2-nistp256"), string("nistp384"), string(new Uint8Array(97).fill(4))),
    concat(string("ecdsa-sha2-nistp256"), string("nistp256"), string(new Uint8Array(65).fill(4))), // off the curve
    concat(string("ecdsa-sha2-nistp256"), string("nistp384"), string(onCurve)),
    concat(string("ssh-rsa"), mpint(Uint8Array.of(1)), mpint(new Uint8Array(256).fill(0xff))),
    concat(string("ssh-rsa"), mpint(Uint8Array.of(3)), mpint(new Uint8Array(256).fill(0xfe))),
  ]) {
    assert.throws(() => parsePublicKey(bad), { code: "malformed" });
  }
  parsePublicKey(concat(string("ecdsa-sha2-nistp256"), string("nistp256"), string(onCurve)));
  const huge = concat(string("ssh-rsa"), mpint(Uint8Array.of(3)), mpint(new Uint8Array(2049).fill(0xff)));
  assert.throws(() => parsePublicKey(huge), { code: "limit" });
});

test("any bytes give a key whose blob is those bytes, or a NixsealError", () => {
  const types = ["ssh-ed25519", "ssh-rsa", "sk-ssh-ed25519@openssh.com", "ecdsa-sha2-nistp521"];
  const blobs = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc
      .tuple(fc.constantFrom(...types), fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 4 }))
      .map(([type, fields]) => concat(string(utf8(type)), ...fields.map((field) => string(field)))),
  );
  fc.assert(
    fc.property(blobs, (bytes) => {
      try {
        assert.deepEqual(Buffer.from(parsePublicKey(bytes).blob), Buffer.from(bytes));
      } catch (error) {
        assert.ok(error instanceof NixsealError, String(error));
      }
    }),
    { numRuns: 1000 },
  );
});
