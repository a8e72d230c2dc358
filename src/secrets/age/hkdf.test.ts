import assert from "node:assert/strict";
import { hkdfSync } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { hkdf } from "./hkdf.ts";

test("the same as OpenSSL's", () =>
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array({ maxLength: 200 }), fc.string(), (secret, salt, info) => {
      const expected = Buffer.from(hkdfSync("sha256", secret, salt, info, 32));
      assert.deepEqual(Buffer.from(hkdf(secret, salt, info)), expected);
    }),
  ));
