/** Altered files never give another plaintext, and never anything but one of our errors. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { random } from "../../../test/support/age-tools.ts";
import { inPieces } from "../../../test/support/pieces.ts";
import { NixsealError } from "../../core/errors.ts";
import { armoredOrNot, exampleKeys } from "../../../test/support/age-examples.ts";
import { decrypt, decryptBytes } from "./decrypt.ts";
import { encrypt, encryptBytes } from "./encrypt.ts";
import { inspect } from "./inspect.ts";

const keys = exampleKeys();

/** What comes out before the error, if there is one. */
async function outcome(stream: AsyncIterable<Uint8Array>): Promise<{ output: Buffer; error: unknown }> {
  const parts: Uint8Array[] = [];
  try {
    for await (const part of stream) parts.push(part);
  } catch (error) {
    return { output: Buffer.concat(parts), error };
  }
  return { output: Buffer.concat(parts), error: undefined };
}

async function judge(file: Uint8Array, original: Uint8Array, plaintext: Uint8Array): Promise<void> {
  const same = Buffer.compare(armoredOrNot(file), armoredOrNot(original)) === 0;
  const { output, error } = await outcome(decrypt(inPieces(file, 4096), keys.identities));
  const whole = await decryptBytes(file, keys.identities).then(
    (value) => value.reveal(),
    (fault: unknown) => fault,
  );
  if (same) {
    assert.deepEqual(output, Buffer.from(plaintext));
    return assert.deepEqual(whole, plaintext);
  }
  assert.ok(error instanceof NixsealError, String(error));
  assert.ok(["malformed", "refused", "limit"].includes(error.code), error.code);
  assert.ok(whole instanceof NixsealError);
  assert.deepEqual(output, Buffer.from(plaintext.subarray(0, output.length)), "a true beginning, or nothing");
}

const armor = fc.boolean();
const size = fc.constantFrom(0, 1, 100, 64 << 10, (64 << 10) + 1, 3 << 16);

test("one bit flipped anywhere", () =>
  fc.assert(
    fc.asyncProperty(armor, size, fc.nat(), fc.nat(7), async (armored, length, place, bit) => {
      const plaintext = random.bytes(length);
      const file = await encryptBytes(plaintext, keys.recipients, random, { armor: armored });
      const altered = Uint8Array.from(file);
      altered[place % altered.length]! ^= 1 << bit;
      await judge(altered, file, plaintext);
    }),
    { numRuns: 300 },
  ));

test("cut short, lengthened, or with a piece taken out, doubled or moved", () =>
  fc.assert(
    fc.asyncProperty(armor, size, fc.nat(), fc.nat(), fc.nat(4), async (armored, length, a, b, kind) => {
      const plaintext = random.bytes(length);
      const file = await encryptBytes(plaintext, keys.recipients, random, { armor: armored });
      const [from, to] = [a % file.length, b % file.length].sort((x, y) => x - y) as [number, number];
      const [head, middle, tail] = [file.subarray(0, from), file.subarray(from, to), file.subarray(to)];
      const altered = [
        [head],
        [file, middle],
        [head, tail],
        [head, middle, middle, tail],
        [middle, head, tail],
      ][kind]!;
      await judge(Buffer.concat(altered), file, plaintext);
    }),
    { numRuns: 300 },
  ));

test("anything at all: an error of ours or nothing", () =>
  fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.string({ maxLength: 300 }).map((text) => Buffer.from(`age-encryption.org/v1\n-> ${text}`)),
        fc
          .string({ maxLength: 300 })
          .map((text) => Buffer.from(`-----BEGIN AGE ENCRYPTED FILE-----\n${text}`)),
      ),
      async (bytes) => {
        await assert.rejects(decryptBytes(bytes, keys.identities), NixsealError);
        await assert.rejects(inspect(inPieces(bytes, 7)), NixsealError);
      },
    ),
    { numRuns: 1000 },
  ));

test("any plaintext in any pieces comes back", () =>
  fc.assert(
    fc.asyncProperty(
      armor,
      fc.uint8Array({ maxLength: 5000 }),
      fc.integer({ min: 1, max: 3000 }),
      async (armored, plaintext, piece) => {
        const file = encrypt(inPieces(plaintext, piece), keys.recipients, random, { armor: armored });
        const { output, error } = await outcome(decrypt(file, keys.identities));
        assert.equal(error, undefined);
        assert.deepEqual(output, Buffer.from(plaintext));
      },
    ),
    { numRuns: 100 },
  ));
