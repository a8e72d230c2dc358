import assert from "node:assert/strict";
import { verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { top } from "../../test/console.ts";
import { concat, utf8 } from "../core/bytes.ts";
import { publicKeyObject } from "./key-object.ts";
import { ed25519PublicKey } from "./public-key.ts";
import { verifySignature } from "./signature.ts";
import { string } from "./wire.ts";

interface Vector {
  readonly number: number;
  readonly key: string;
  readonly sig: string;
  readonly msg: string;
  readonly flags: readonly string[] | null;
}

const file = join(top, "test/vectors/cctv-ed25519/ed25519vectors.json.gz");
const vectors = JSON.parse(gunzipSync(readFileSync(file)).toString()) as Vector[];

test("of the CCTV edge vectors, none with a low-order or unreduced key is accepted, whatever OpenSSL says", () => {
  assert.equal(vectors.length, 914);
  const counts = { openssl: 0, ours: 0 };
  for (const { number, key: point, sig, msg, flags } of vectors) {
    const key = ed25519PublicKey(new Uint8Array(Buffer.from(point, "hex")));
    const value = Buffer.from(sig, "hex");
    if (verify(null, utf8(msg), publicKeyObject(key), value)) counts.openssl++;
    if (!verifySignature(key, utf8(msg), concat(string("ssh-ed25519"), string(value))).accepted) continue;
    counts.ours++;
    for (const flag of ["low_order_A", "non_canonical_A", "non_canonical_R", "low_order_residue"]) {
      assert.ok(!flags?.includes(flag), `vector ${number} has ${flag}`);
    }
  }
  // The second number is what is left: keys with a low-order component, which no list of points can name.
  assert.deepEqual(counts, { openssl: 208, ours: 86 });
});
