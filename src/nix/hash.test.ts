import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, test } from "node:test";
import * as fc from "fast-check";

import { StockNix } from "../../test/support/stock-nix.ts";
import { formatHash, parseDigest, parseHash, parseSri, sha256, typedNix32, type HashFormat } from "./hash.ts";

const nix = new StockNix();
after(() => nix.remove());
const formats: readonly HashFormat[] = ["nix32", "base16", "base64", "sri"];

test("the vectors that Nix tests itself with", () => {
  // src/libutil-tests/hash.cc, values from RFC 1321, RFC 3174 and RFC 4634
  const abc = [
    ["md5", "900150983cd24fb0d6963f7d28e17f72"],
    ["sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"],
    ["sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  ] as const;
  for (const [algorithm, hex] of abc) {
    const digest = createHash(algorithm).update("abc").digest();
    assert.equal(formatHash({ algorithm, digest }, "base16"), hex);
    assert.deepEqual(parseHash(`${algorithm}:${hex}`).digest, new Uint8Array(digest));
  }
  assert.equal(formatHash(sha256("asdf"), "sri"), "sha256-8OTC92xYkW7CWPJGhRvqCR0U1CR6L8PhhpRGGxgW4Ts=");
});

test("every conversion is the one that nix hash makes", () => {
  const flags = { nix32: "to-base32", base16: "to-base16", base64: "to-base64", sri: "to-sri" };
  for (const algorithm of ["md5", "sha1", "sha256", "sha512"] as const) {
    const hash = { algorithm, digest: createHash(algorithm).update("nixseal").digest() };
    for (const to of formats) {
      const theirs = nix.text("nix", "hash", flags[to], formatHash(hash, "sri"));
      assert.equal(formatHash(hash, to), theirs);
      const typed = to === "sri" ? theirs : `${algorithm}:${theirs}`;
      assert.equal(formatHash(parseHash(typed), "sri"), formatHash(hash, "sri"));
    }
  }
});

test("every format comes back, for every algorithm", () => {
  const hash = fc
    .constantFrom("md5" as const, "sha1" as const, "sha256" as const, "sha512" as const)
    .chain((algorithm) => {
      const length = createHash(algorithm).digest().length;
      const digest = fc.uint8Array({ minLength: length, maxLength: length });
      return fc.record({ algorithm: fc.constant(algorithm), digest }, { noNullPrototype: true });
    });
  fc.assert(
    fc.property(hash, fc.constantFrom(...formats), (hash, format) => {
      const text = formatHash(hash, format);
      assert.deepEqual(parseHash(format === "sri" ? text : `${hash.algorithm}:${text}`), hash);
    }),
  );
});

test("what is not canonical is malformed", () => {
  const sri = formatHash(sha256("x"), "sri");
  const hex = formatHash(sha256("x"), "base16");
  const bad = [
    "",
    "sha256",
    "sha256:",
    "sha256-",
    hex,
    `sha256:${hex.toUpperCase()}`,
    `sha256-${hex}`,
    `SHA256:${hex}`,
    `sha256:${hex} `,
    ` ${sri}`,
    `${sri}\n`,
    sri.slice(0, -1),
    `${sri}=`,
    `${sri}?ct=text`,
    `${sri} ${sri}`,
    sri.replace(/.=$/, "_="),
    `sha1:${hex}`,
    `sha512:${hex}`,
    `blake3:${hex}`,
    `__proto__:${hex}`,
    "sha256-q83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq85=", // stray bits in the last digit
    `sha256:z${"0".repeat(51)}`, // stray bits in nix32
  ];
  for (const text of bad) assert.throws(() => parseHash(text), { code: "malformed" }, text);
  assert.throws(() => parseSri(`sha256:${hex}`), { code: "malformed" });
  assert.throws(() => parseDigest("sha256", hex.slice(1)), { code: "malformed" });
});

test("the typed form of a fingerprint", () => {
  assert.equal(typedNix32(sha256("")), "sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73");
});
