import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "./random.ts";

test("no bytes are handed out twice, and lengths are exact, across the pool's ends", () => {
  const seen = new Set<string>();
  for (let round = 0; round < 2000; round++) {
    const bytes = random.bytes(round % 300);
    assert.equal(bytes.length, round % 300);
    if (bytes.length < 16) continue;
    for (let start = 0; start + 16 <= bytes.length; start += 16) {
      const part = Buffer.from(bytes.subarray(start, start + 16)).toString("hex");
      assert.ok(!seen.has(part));
      seen.add(part);
    }
  }
});

test("what one caller does to its bytes does not reach the next one's", () => {
  const first = random.bytes(32);
  first.fill(7);
  assert.notDeepEqual(random.bytes(32), first);
});
