import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";

import { fromNix32, nix32 } from "./base32.ts";

const hello = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";

test("writes what nix-hash --to-base32 writes", () => {
  assert.equal(nix32(Buffer.from(hello, "hex")), "00xyyr3fi8l6hb839bv3f7yb86yjv7xi1cgh1xnhipym4asvb4aq");
});

test("any bytes come back", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
      assert.deepEqual(fromNix32(nix32(bytes)), bytes);
    }),
  );
});

test("what is read is the only spelling of its bytes", () => {
  const digit = fc.constantFrom(...Array.from("0123456789abcdfghijklmnpqrsvwxyzeout=A-"));
  fc.assert(
    fc.property(fc.string({ unit: digit, maxLength: 60 }), (text) => {
      const bytes = fromNix32(text);
      if (bytes !== null) assert.equal(nix32(bytes), text);
    }),
    { numRuns: 500 },
  );
});

test("refuses stray bits, wrong lengths and foreign digits", () => {
  assert.equal(fromNix32("z0"), null); // two digits hold ten bits, one byte has eight
  assert.deepEqual(fromNix32("7z"), new Uint8Array([0xff]));
  assert.equal(fromNix32("8z"), null);
  assert.equal(fromNix32("0"), null);
  for (const foreign of ["e0", "o0", "u0", "t0", "A0", " 0"]) assert.equal(fromNix32(foreign), null);
});
