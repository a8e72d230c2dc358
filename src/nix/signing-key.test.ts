import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";

import { SecretValue } from "../core/secret-value.ts";
import { StockNix } from "../../test/support/stock-nix.ts";
import {
  formatNamed,
  parsePublicKey,
  parseSecretKey,
  parseSignature,
  verifySignature,
} from "./signing-key.ts";

const nix = new StockNix();
after(() => nix.remove());
let secret: string;
let publicKey: string;

before(() => {
  nix.text("nix-store", "--generate-binary-cache-key", "cache.example.org-1", "secret", "public");
  secret = readFileSync(nix.path("secret"), "utf8");
  publicKey = readFileSync(nix.path("public"), "utf8").trim();
});

test("keys that nix-store makes come back and fit together", () => {
  const key = parseSecretKey(SecretValue.fromText(secret));
  assert.equal(formatNamed(key.publicKey), publicKey);
  assert.equal(formatNamed(parsePublicKey(publicKey)), publicKey);
  const signature = key.sign("message");
  const keys = [parsePublicKey(publicKey)];
  assert.ok(verifySignature("message", parseSignature(formatNamed(signature)), keys));
  assert.ok(!verifySignature("massage", signature, keys));
  assert.ok(!verifySignature("message", { ...signature, name: "cache.example.org-2" }, keys));
  assert.ok(
    !verifySignature("message", { ...signature, bytes: signature.bytes.map((byte) => byte ^ 1) }, keys),
  );
  assert.ok(!verifySignature("message", signature, []));
});

test("two keys of one name are both asked, so that a key can be replaced", () => {
  const key = parseSecretKey(SecretValue.fromText(secret));
  const other = { name: key.publicKey.name, bytes: new Uint8Array(32).fill(9) };
  assert.ok(verifySignature("m", key.sign("m"), [other, key.publicKey]));
});

test("a secret key whose halves do not fit is refused, and no error shows it", () => {
  const [name, body] = secret.trim().split(":") as [string, string];
  const bytes = Buffer.from(body, "base64");
  bytes[40] = bytes[40]! ^ 1;
  const bad = [`${name}:${bytes.toString("base64")}`, `${name}:${body.slice(4)}`, body, `:${body}`];
  for (const text of bad)
    assert.throws(
      () => parseSecretKey(SecretValue.fromText(text)),
      (error: Error & { code?: string }) =>
        error.code === "malformed" &&
        !JSON.stringify(error).includes(body.slice(8, 20)) &&
        !error.message.includes(body.slice(8, 20)),
    );
});

test("what is not name:base64 of the right size is malformed", () => {
  const [name, body] = publicKey.split(":") as [string, string];
  const bad = [
    "",
    name,
    `${name}:`,
    `:${body}`,
    ` ${publicKey}`,
    `${publicKey} `,
    `${publicKey}\n`,
    `a b:${body}`,
    `a\u202eb:${body}`,
  ];
  bad.push(
    `${name}:${body.slice(0, -1)}`,
    `${name}:${body}=`,
    `${name}:${body.replace("=", "")}`,
    `${name}:${body.slice(4)}`,
  );
  for (const text of bad) assert.throws(() => parsePublicKey(text), { code: "malformed" }, text);
  assert.throws(() => parseSignature(publicKey), { code: "malformed" });
});
