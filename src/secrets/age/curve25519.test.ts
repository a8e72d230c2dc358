import assert from "node:assert/strict";
import { diffieHellman } from "node:crypto";
import { test } from "node:test";
import { hex } from "../../core/bytes.ts";
import { random } from "../../system/random.ts";
import { publicKey, scalarMult, shareOf } from "./curve25519.ts";

test("the share of a fresh pair is its public half, whichever way this Node gives it", () => {
  const seen = new Set<string>();
  for (let times = 0; times < 50; times++) {
    const pair = random.x25519KeyPair();
    const share = shareOf(pair);
    assert.deepEqual(Buffer.from(share), pair.publicKey.export({ format: "der", type: "spki" }).subarray(12));
    seen.add(hex(share));
    const other = random.x25519KeyPair();
    const theirs = diffieHellman({ privateKey: other.privateKey, publicKey: publicKey(share) });
    assert.deepEqual(Buffer.from(scalarMult(pair.privateKey, other.publicKey)), theirs);
  }
  assert.equal(seen.size, 50, "never the same twice");
});
