import assert from "node:assert/strict";
import { test } from "node:test";
import { exampleKeys } from "../../../test/support/age-examples.ts";
import { random } from "../../../test/support/age-tools.ts";
import { inPieces } from "../../../test/support/pieces.ts";
import { encryptBytes } from "./encrypt.ts";
import { inspect } from "./inspect.ts";

const { recipients } = exampleKeys();
const chunk = 64 << 10;

test("the sizes add up", async () => {
  for (const armor of [false, true]) {
    for (const size of [0, 1, chunk - 1, chunk, chunk + 1, 3 * chunk]) {
      const file = await encryptBytes(random.bytes(size), recipients, random, { armor });
      const { sizes, ...rest } = await inspect(inPieces(file, 5000));
      assert.deepEqual(rest, {
        version: "age-encryption.org/v1",
        postquantum: "no",
        armor,
        stanza_types: ["X25519", "X25519", "X25519"],
      });
      assert.equal(sizes.min_payload, size);
      assert.equal(sizes.header + sizes.overhead + sizes.min_payload + sizes.armor, file.length);
    }
  }
});

test("a size that no whole file has", async () => {
  const file = await encryptBytes(random.bytes(chunk), recipients, random);
  for (const cut of [chunk + 16, chunk + 17, chunk + 32])
    // no tag, no whole tag, no nonce
    await assert.rejects(inspect(inPieces(file.subarray(0, file.length - cut))), { code: "malformed" });
  await assert.rejects(inspect(inPieces(Buffer.concat([file, Buffer.alloc(16)]))), { code: "malformed" });
});
