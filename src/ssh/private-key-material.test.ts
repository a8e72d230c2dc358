import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { Keygen } from "../../test/support/ssh-keygen.ts";
import { SecretValue } from "../core/secret-value.ts";
import { ed25519PrivateKey, rsaPrivateKey } from "./private-key-material.ts";
import { parsePrivateKey } from "./private-key.ts";

test("RSA numbers of two keys do not make one", (t) => {
  const keygen = new Keygen(t);
  const numbers = ["a", "b"].map((name) => {
    keygen.key(name, "rsa", "-b", "2048");
    const file = parsePrivateKey(keygen.read(name));
    assert.ok(file.state === "ready");
    const jwk = file.key.keyObject.export({ format: "jwk" });
    const bytes = (text = "") => new Uint8Array(Buffer.from(text, "base64url"));
    const [n, e, d] = [bytes(jwk.n), bytes(jwk.e), bytes(jwk.d)];
    return { n, e, d, p: bytes(jwk.p), q: bytes(jwk.q), qInv: bytes(jwk.qi) };
  });
  const [a, b] = [numbers[0]!, numbers[1]!];
  assert.equal(rsaPrivateKey(a).publicKey.bits, 2048);
  for (const field of ["n", "d", "p", "q", "qInv"] as const) {
    assert.throws(() => rsaPrivateKey({ ...a, [field]: b[field] }), { code: "malformed" }, field);
  }
});

test("RFC 8032 test 1, and a key does not print", () => {
  const seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
  const key = ed25519PrivateKey(new SecretValue(Buffer.from(seed, "hex")));
  assert.throws(() => ed25519PrivateKey(new SecretValue(new Uint8Array(31))), { code: "malformed" });
  const point = Buffer.from(key.publicKey.point).toString("hex");
  assert.equal(point, "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  assert.doesNotMatch(inspect(key, { depth: 9 }) + JSON.stringify(key), /9d61|157, 97|nWGx/);
});
