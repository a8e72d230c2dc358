import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { NixsealError } from "../../core/errors.ts";
import { decodeBech32, encodeBech32 } from "./bech32.ts";

// BIP 173, "Test vectors". Those of more than 90 characters are invalid there and not in age.
const valid = [
  "A12UEL5L",
  "a12uel5l",
  "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
  "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
  "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w",
];
const invalid = [
  "\u00201nwldj5",
  "pzry9x0s0muk",
  "1pzry9x0s0muk",
  "x1b4n0q5v",
  "li1dgmt3",
  "A1G7SGD8",
  "10a06t8",
  "1qzzfhee",
  "a12UEL5L",
];

test("vectors of BIP 173", () => {
  for (const text of valid) {
    const { prefix, data } = decodeBech32(text);
    assert.equal(encodeBech32(prefix, data), text.toLowerCase());
  }
  for (const text of invalid) assert.throws(() => decodeBech32(text), { code: "malformed" }, text);
});

test("any bytes come back, one changed character never does", () => {
  const alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1300 }), fc.nat(), fc.nat(31), (data, place, letter) => {
      const text = encodeBech32("age1pq", data);
      assert.deepEqual(decodeBech32(text).data, data);
      const at = 7 + (place % (text.length - 7));
      const altered = text.slice(0, at) + alphabet[letter] + text.slice(at + 1);
      if (altered !== text) assert.throws(() => decodeBech32(altered), NixsealError);
    }),
  );
});
