import assert from "node:assert/strict";
import * as fs from "node:fs";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import * as fc from "fast-check";

import { NixsealError } from "../../core/errors.ts";
import { inPieces } from "../../../test/support/pieces.ts";
import { narOf, narStrings, trees as anyTree } from "../../../test/support/nar-trees.ts";
import { trees } from "../../system/trees.ts";
import { NarParser } from "./parser.ts";
import { unpackNar } from "./unpack.ts";
import { verifyNar } from "./verify.ts";

const directory = mkdtempSync(join(tmpdir(), "nixseal-nar-"));
after(() => rmSync(directory, { recursive: true }));

const magic = "nix-archive-1";
const file = ["(", "type", "regular", "contents", "x", ")"];
const entry = (name: string, node = file): string[] => ["entry", "(", "name", name, "node", ...node, ")"];
const inDirectory = (...entries: string[]): Buffer =>
  narStrings(magic, "(", "type", "directory", ...entries, ")");
const root = (...strings: string[]): Buffer => narStrings(magic, "(", "type", ...strings);
/** Where the string number `n` of an archive begins. */
const offsetOf = (archive: Buffer, n: number): number => {
  let at = 0;
  for (let i = 0; i < n; i++) at += 8 + Math.ceil(Number(archive.readBigUInt64LE(at)) / 8) * 8;
  return at;
};
const patched = (archive: Buffer, at: number, byte: number): Buffer => {
  const copy = Buffer.from(archive);
  copy[at] = byte;
  return copy;
};
const huge = (archive: Buffer, n: number, length: bigint): Buffer => {
  const copy = Buffer.from(archive);
  copy.writeBigUInt64LE(length, offsetOf(archive, n));
  return copy;
};

const good = inDirectory(...entry("a"), ...entry("b"));
const one = narStrings(magic, ...file);
const link = root("symlink", "target", "t", ")");

/** What is wrong, the archive, and the string at which it is wrong. */
const corpus: readonly (readonly [string, Buffer, number])[] = [
  ["another magic", narStrings("nix-archive-2", ...file), 0],
  ["no node", narStrings(magic, "[", "type", "regular", "contents", "", ")"), 1],
  ["no type", narStrings(magic, "(", "kind", "regular", "contents", "", ")"), 2],
  ["an unknown type", root("fifo", ")"), 3],
  ["type regular twice", root("regular", "type", "regular", "contents", "", ")"), 4],
  ["no contents", root("regular", ")"), 4],
  ["contents twice", root("regular", "contents", "x", "contents", "y", ")"), 6],
  ["executable without contents", root("regular", "executable", "", ")"), 6],
  ["executable after contents", root("regular", "contents", "x", "executable", "", ")"), 6],
  ["executable that says something", root("regular", "executable", "1", "contents", "x", ")"), 5],
  ["executable twice", root("regular", "executable", "", "executable", "", "contents", "x", ")"), 6],
  ["an executable directory", root("directory", "executable", "", ")"), 4],
  ["a symlink without target", root("symlink", ")"), 4],
  ["an empty target", root("symlink", "target", "", ")"), 5],
  ["a target with NUL", root("symlink", "target", "a\0b", ")"), 5],
  ["a long target", root("symlink", "target", "a".repeat(4096), ")"), 5],
  ["target twice", root("symlink", "target", "a", "target", "b", ")"), 6],
  ["an entry without name", inDirectory("entry", "(", "node", ...file, ")"), 6],
  ["node before name", inDirectory("entry", "(", "node", ...file, "name", "a", ")"), 6],
  ["an entry without node", inDirectory("entry", "(", "name", "a", ")"), 8],
  ["two nodes", inDirectory("entry", "(", "name", "a", "node", ...file, "node", ...file, ")"), 15],
  ["an empty name", inDirectory(...entry("")), 7],
  ["the name .", inDirectory(...entry(".")), 7],
  ["the name ..", inDirectory(...entry("..")), 7],
  ["a name with /", inDirectory(...entry("../../etc/x")), 7],
  ["an absolute name", inDirectory(...entry("/etc")), 7],
  ["a name with NUL", inDirectory(...entry("a\0")), 7],
  ["a long name", inDirectory(...entry("a".repeat(256))), 7],
  ["unsorted entries", inDirectory(...entry("b"), ...entry("a")), 19],
  ["sorted as no byte is", inDirectory(...entry("a"), ...entry("B")), 19],
  ["the same name twice", inDirectory(...entry("a"), ...entry("a")), 19],
  [
    "a symlink, then an entry of its name",
    inDirectory(
      ...entry("a", ["(", "type", "symlink", "target", "/etc", ")"]),
      ...entry("a", ["(", "type", "directory", ...entry("x"), ")"]),
    ),
    19,
  ],
  ["an entry in a file", root("regular", "contents", "x", ...entry("a"), ")"), 6],
  ["an unknown field", inDirectory("mode", "0644"), 4],
  ["a huge keyword", huge(one, 1, 1n << 40n), 1],
  ["a keyword of 2^64 - 1 bytes", huge(one, 2, (1n << 64n) - 1n), 2],
  ["a huge name", huge(good, 7, 1n << 62n), 7],
  ["a huge target", huge(link, 5, 1n << 33n), 5],
];

test("the archives that the corpus damages are good", async () => {
  for (const archive of [good, one, link]) await verifyNar(inPieces(archive));
});

for (const [what, archive, string] of corpus)
  test(`malformed: ${what}`, async () => {
    for (const size of [archive.length, 8, 1]) {
      const where = { offset: offsetOf(archive, string) };
      await assert.rejects(verifyNar(inPieces(archive, size)), { code: "malformed", where });
    }
    await assert.rejects(unpackNar(inPieces(archive), trees, join(directory, "out")), { code: "malformed" });
    assert.deepEqual(fs.readdirSync(directory), []);
  });

test("any padding that is not zero is refused where it is", async () => {
  for (const archive of [good, one, link])
    for (let at = 0, n = 0; at < archive.length; at = offsetOf(archive, ++n)) {
      const length = Number(archive.readBigUInt64LE(at));
      for (let pad = at + 8 + length; pad < offsetOf(archive, n + 1); pad++)
        await assert.rejects(verifyNar(inPieces(patched(archive, pad, 1))), {
          code: "malformed",
          where: { offset: pad },
        });
    }
});

test("cut off anywhere, or with anything behind it, it is refused", async () => {
  for (let length = 0; length < good.length; length++)
    for (const size of [length, 5])
      await assert.rejects(verifyNar(inPieces(good.subarray(0, length), size || 1)), {
        code: "malformed",
        where: { offset: length },
      });
  for (const tail of [[0], Array(8).fill(0), [...good]])
    for (const size of [good.length, 3, good.length + tail.length])
      await assert.rejects(verifyNar(inPieces(Buffer.concat([good, Buffer.from(tail)]), size)), {
        code: "malformed",
        where: { offset: good.length },
      });
});

test("a file beyond what a number can count is over the limit", async () => {
  await assert.rejects(verifyNar(inPieces(huge(one, 5, 1n << 63n))), { code: "limit" });
  await assert.rejects(verifyNar(inPieces(one), { size: 0 }), { code: "limit" });
});

test("any single byte that is changed gives an error or another valid archive, never anything else", async () => {
  await fc.assert(
    fc.asyncProperty(anyTree, fc.nat(), fc.integer({ min: 1, max: 255 }), async (tree, place, flip) => {
      const archive = narOf(tree);
      const at = place % archive.length;
      const changed = patched(archive, at, archive[at]! ^ flip);
      try {
        assert.equal((await verifyNar(inPieces(changed, 16))).size, changed.length);
      } catch (error) {
        assert.ok(
          error instanceof NixsealError && ["malformed", "limit"].includes(error.code),
          String(error),
        );
      }
    }),
    { numRuns: 400 },
  );
});

test("a parser leaves alone what follows its archive", () => {
  const parser = new NarParser();
  const events = [...parser.push(Buffer.concat([one, Buffer.from("next")]))];
  assert.deepEqual(
    events.map((event) => event.type),
    ["file", "content"],
  );
  assert.ok(parser.done);
  assert.equal(parser.offset, one.length);
  assert.equal(Buffer.from(parser.rest).toString(), "next");
  parser.end();
});
