import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { concat, utf8 } from "../core/bytes.ts";
import { WireReader, mpint, string, u32, u64, u8 } from "./wire.ts";

const read = (...bytes: number[]) => new WireReader(Uint8Array.from(bytes), "input");
const malformed = { name: "NixsealError", code: "malformed" };

test("what is written is what is read", () => {
  fc.assert(
    fc.property(
      fc.nat(255),
      fc.nat(0xffffffff),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.uint8Array(),
      fc.string().filter((text) => !text.includes("\0") && text.isWellFormed()),
      (a, b, c, d, e) => {
        const reader = new WireReader(concat(u8(a), u32(b), u64(c), string(d), string(e)), "input");
        assert.deepEqual(
          [reader.u8(), reader.u32(), reader.u64(), reader.string(), reader.text()],
          [a, b, c, d, e],
        );
        reader.end();
      },
    ),
  );
});

test("mpint follows the examples of RFC 4251", () => {
  assert.deepEqual(mpint(Uint8Array.of(0)), u32(0));
  const example = Uint8Array.from([0x09, 0xa3, 0x78, 0xf9, 0xb2, 0xe3, 0x32, 0xa7]);
  assert.deepEqual(mpint(concat(u8(0), example)), concat(u32(8), example));
  assert.deepEqual(mpint(u8(0x80)), Uint8Array.of(0, 0, 0, 2, 0, 0x80));
  assert.deepEqual(read(0, 0, 0, 2, 0, 0x80).mpint(), u8(0x80));
});

test("mpint refuses zero, negative numbers and needless zeros", () => {
  assert.throws(() => read(0, 0, 0, 0).mpint(), malformed);
  assert.throws(() => read(0, 0, 0, 1, 0).mpint(), malformed);
  assert.throws(() => read(0, 0, 0, 1, 0x80).mpint(), malformed);
  assert.throws(() => read(0, 0, 0, 2, 0, 0x7f).mpint(), malformed);
});

test("short input, trailing bytes and NUL in a text are malformed, with the place", () => {
  assert.throws(() => read(0, 0, 0).u32(), malformed);
  assert.throws(() => read(0, 0, 0, 5, 1).string(), malformed);
  assert.throws(() => read(0xff, 0xff, 0xff, 0xff).string(), malformed);
  assert.throws(() => read(0, 0, 0, 1, 0).text(), malformed);
  assert.throws(() => read(0, 0, 0, 1, 0xff).text(), malformed);
  const reader = read(1, 2);
  reader.u8();
  assert.throws(() => reader.end(), { ...malformed, where: { offset: 1 } });
});

test("a field above its bound is a limit, and a nested reader counts from the start of the input", () => {
  assert.throws(() => new WireReader(string(utf8("abc")), "input").string(2), { code: "limit" });
  const inner = new WireReader(concat(u32(7), string(concat(u8(1), u8(2)))), "outer");
  inner.u32();
  const nested = inner.nested("inner");
  nested.u8();
  assert.throws(() => nested.end(), { where: { offset: 9 } });
});
