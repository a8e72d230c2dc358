import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { base64, base64Unpadded, concat, fromBase64, utf8, utf8Text } from "./bytes.ts";

test("base64 goes both ways, padded and not", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      assert.deepEqual(fromBase64(base64(bytes)), bytes);
      assert.deepEqual(fromBase64(base64Unpadded(bytes), "unpadded"), bytes);
    }),
  );
});

test("a second spelling of the same bytes is refused: padding, stray bits, white space, the other alphabet", () => {
  for (const text of ["Zg", "Zg=", "Zh==", "Zg==\n", " Zg==", "Zg==Zg==", "-_8="])
    assert.equal(fromBase64(text), null, text);
  for (const text of ["Zg==", "Zh", "Z"]) assert.equal(fromBase64(text, "unpadded"), null, text);
});

test("text that is not UTF-8 is an error and keeps its byte order mark", () => {
  assert.throws(() => utf8Text(Uint8Array.of(0xc3, 0x28), "input"), {
    code: "malformed",
    message: "input is not UTF-8",
  });
  assert.equal(utf8Text(utf8("\ufeffx"), "input"), "\ufeffx");
});

test("concat joins in order", () => {
  assert.deepEqual(concat(utf8("a"), utf8(""), utf8("bc")), utf8("abc"));
});
