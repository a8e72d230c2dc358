import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";

import { inPieces } from "../../../test/support/pieces.ts";
import { FrameSource } from "./frames.ts";
import { WireMessage } from "./wire-message.ts";
import { WireReader } from "./wire-reader.ts";

function readerOf(bytes: Uint8Array, size?: number): WireReader {
  const pieces = inPieces(bytes, size);
  return new WireReader({
    next: async () => {
      const piece = await pieces.next();
      return piece.done === true ? null : piece.value;
    },
  });
}

test("the bytes of integers, strings and lists are those of Nix", () => {
  const hex = (message: WireMessage) => Buffer.from(message.bytes).toString("hex");
  assert.equal(hex(new WireMessage().integer(0x6e697863)), "6378696e00000000");
  assert.equal(hex(new WireMessage().string("")), "0000000000000000");
  assert.equal(hex(new WireMessage().string("hi")), "02000000000000006869000000000000");
  assert.equal(hex(new WireMessage().string("12345678")), "08000000000000003132333435363738");
  assert.equal(hex(new WireMessage().strings(["x"])), "010000000000000001000000000000007800000000000000");
});

test("what is written is read, in pieces of any size", async () => {
  const values = fc.array(
    fc.oneof(
      fc.boolean(),
      fc.maxSafeNat(),
      fc.string({ unit: "grapheme", maxLength: 40 }),
      fc.array(fc.string({ maxLength: 20 }), { maxLength: 5 }),
    ),
    { maxLength: 10 },
  );
  await fc.assert(
    fc.asyncProperty(values, fc.integer({ min: 1, max: 40 }), async (values, size) => {
      const message = new WireMessage();
      for (const value of values)
        if (typeof value === "boolean") message.boolean(value);
        else if (typeof value === "number") message.integer(value);
        else if (typeof value === "string") message.string(value);
        else message.strings(value);
      const reader = readerOf(message.bytes, size);
      for (const value of values)
        if (typeof value === "boolean") assert.equal(await reader.boolean("x"), value);
        else if (typeof value === "number") assert.equal(await reader.integer("x"), value);
        else if (typeof value === "string") assert.equal(await reader.string(1000, "x"), value);
        else {
          assert.equal(await reader.count(5, "x"), value.length);
          for (const item of value) assert.equal(await reader.string(1000, "x"), item);
        }
      assert.equal(await reader.atEnd(), true);
      assert.equal(reader.offset, message.bytes.length);
    }),
  );
});

test("what is not canonical is refused, with its offset", async () => {
  const after = (bytes: Uint8Array) => readerOf(Buffer.concat([Buffer.alloc(8), bytes]));
  const skip = async (reader: WireReader) => {
    await reader.integer("zero");
    return reader;
  };
  const padded = Buffer.from(new WireMessage().string("hi").bytes);
  padded[12] = 1;
  await assert.rejects((await skip(after(padded))).string(10, "x"), {
    code: "malformed",
    where: { offset: 8 },
  });
  const latin = Buffer.from(new WireMessage().string("hi").bytes);
  latin[8] = 0xe9;
  await assert.rejects((await skip(after(latin))).string(10, "x"), { code: "malformed" });
  await assert.rejects((await skip(after(new WireMessage().integer(2).bytes))).boolean("x"), {
    code: "malformed",
  });
  const huge = Buffer.alloc(8, 0xff);
  await assert.rejects((await skip(after(huge))).integer("x"), { code: "limit", where: { offset: 8 } });
  await assert.rejects((await skip(after(huge))).string(10, "x"), { code: "limit" });
  const text = new WireMessage().string("12345678901").bytes;
  await assert.rejects((await skip(after(text))).string(10, "x"), { code: "limit" });
  await assert.rejects((await skip(after(text.subarray(0, 20)))).string(20, "x"), { code: "malformed" });
  await assert.rejects((await skip(after(text))).count(10, "x"), { code: "limit" });
});

test("a string that is longer than it may be costs no memory", async () => {
  const reader = readerOf(new WireMessage().integer(2 ** 50).bytes);
  await assert.rejects(reader.string(2 ** 20, "x"), { code: "limit" });
});

test("frames of any size are the same bytes; what follows them is left alone", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 300 }),
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 50 }),
      async (bytes, frame, size) => {
        const message = new WireMessage();
        for await (const part of inPieces(bytes, frame)) message.integer(part.length).raw(part);
        const outer = readerOf(message.integer(0).integer(42).bytes, size);
        const frames = new FrameSource(outer);
        const parts: Uint8Array[] = [];
        for (let part = await frames.next(); part !== null; part = await frames.next()) parts.push(part);
        assert.deepEqual(Buffer.concat(parts), Buffer.from(bytes));
        assert.equal(await frames.next(), null);
        assert.equal(await outer.integer("x"), 42);
      },
    ),
  );
});

test("frames that end in the middle are an error, and draining them is bounded", async () => {
  const cut = new FrameSource(readerOf(new WireMessage().integer(10).raw(new Uint8Array(5)).bytes));
  await cut.next();
  await assert.rejects(cut.next(), { code: "malformed" });
  const long = () =>
    new FrameSource(readerOf(new WireMessage().integer(100).raw(new Uint8Array(100)).integer(0).bytes, 7));
  await assert.rejects(long().drain(99), { code: "limit" });
  await long().drain(100);
});
