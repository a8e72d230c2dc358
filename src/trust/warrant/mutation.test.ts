import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { alice, bob, policy, signed, warrant } from "../../../test/support/warrants.ts";
import { base64, utf8 } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { decideWarrant } from "./decide.ts";
import { formatWarrantEnvelope, parseWarrantEnvelope } from "./envelope.ts";
import { warrantLimits } from "./limits.ts";

/** Whether these bytes would be acted on. Anything but an error that says what is wrong with them is a fault. */
function isAccepted(file: Uint8Array): boolean {
  try {
    return decideWarrant({ envelope: parseWarrantEnvelope(file) }, policy).accepted;
  } catch (error) {
    assert.ok(error instanceof NixsealError, String(error));
    assert.ok(["malformed", "limit", "refused"].includes(error.code), error.code);
    return false;
  }
}

suite("what reaches the host may be anything", () => {
  test("no single changed byte of an accepted warrant is accepted", async () => {
    const good = formatWarrantEnvelope(await signed(warrant(), alice, bob));
    assert.ok(isAccepted(good));
    for (let i = 0; i < good.length; i++) {
      const changed = good.slice();
      changed[i]! ^= 1 << (i % 8);
      assert.ok(!isAccepted(changed), `byte ${i}`);
    }
  });

  test("no beginning of one, and nothing behind it, is accepted", async () => {
    const good = formatWarrantEnvelope(await signed(warrant(), alice, bob));
    for (let end = 0; end < good.length; end++) assert.ok(!isAccepted(good.subarray(0, end)), `${end}`);
    for (const more of ["\n", " ", "\0", "{}"])
      assert.ok(!isAccepted(Buffer.concat([good, utf8(more)])), JSON.stringify(more));
  });

  test("no change to a refused one, of one byte or of many, makes it accepted", async () => {
    const refused = await Promise.all([
      signed(warrant()),
      signed(warrant(), alice, alice),
      signed(warrant({ subject: { kind: "host", name: "db" } }), alice, bob),
      signed(warrant({ expires: policy.clock }), alice, bob),
    ]);
    for (const file of refused.map(formatWarrantEnvelope)) {
      for (let i = 0; i < file.length; i += 3) {
        const changed = file.slice();
        changed[i]! ^= 1 << (i % 8);
        assert.ok(!isAccepted(changed), `byte ${i}`);
      }
      const edit = fc.record({
        at: fc.nat({ max: file.length }),
        drop: fc.nat(40),
        insert: fc.uint8Array({ maxLength: 40 }),
      });
      fc.assert(
        fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
          let bytes: Uint8Array = file;
          for (const { at, drop, insert } of edits)
            bytes = Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + drop)]);
          assert.ok(!isAccepted(bytes));
        }),
      );
    }
  });

  test("the payload in another spelling is not accepted, though it says the same", async () => {
    const { payload, signatures } = await signed(warrant(), alice, bob);
    const text = Buffer.from(payload).toString("utf8");
    const value = JSON.parse(text) as Record<string, unknown>;
    const { v, ...rest } = value;
    const spellings = [
      `${text}\n`,
      ` ${text}`,
      JSON.stringify(value, null, 1),
      JSON.stringify({ v, ...rest }), // another order
      text.replace('"seq":1', '"seq":1.0'),
      text.replace('"seq":1', '"seq":2,"seq":1'), // twice: which one counts depends on the reader
      text.replace('"web"', '"\\u0077eb"'),
      text.replace('"switch"', '"switch" '),
      `\ufeff${text}`,
    ];
    for (const spelling of spellings)
      assert.ok(
        !isAccepted(formatWarrantEnvelope({ payload: utf8(spelling), signatures })),
        spelling.slice(0, 60),
      );
  });

  test("what is huge or deep is refused before it costs anything", () => {
    const wrap = (payload: string): Uint8Array =>
      utf8(`{"payload":"${base64(utf8(payload))}","signatures":[]}\n`);
    const many = (text: string, count: number): string => Array.from({ length: count }, () => text).join(",");
    for (const file of [
      new Uint8Array(warrantLimits.file + 1),
      utf8("[".repeat(1_000_000)),
      wrap("[".repeat(1_000_000)),
      wrap(`{"paths":[${many("[]", 200_000)}]}`),
      wrap(`{"paths":[${many("{}", 200_000)}]}`),
      utf8(`{"payload":"","signatures":[${many('""', 100)}]}\n`),
    ])
      assert.throws(() => parseWarrantEnvelope(file), { name: "NixsealError", code: "limit" });
  });
});
