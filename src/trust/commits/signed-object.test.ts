import assert from "node:assert/strict";
import { test } from "node:test";
import type { ObjectId } from "./object-id.ts";
import { parseCommit, parseTag } from "./signed-object.ts";

const tree = "1".repeat(40);
const parent = "2".repeat(40);
const who = "A <a@example.org> 1700000000 +0100";
const plain = `tree ${tree}\nparent ${parent}\nauthor ${who}\ncommitter ${who}\n\nmessage\n`;
const parse = (body: string) => parseCommit(parent as ObjectId, Buffer.from(body, "latin1"), "sha1");

test("a commit's headers, and what is signed of it", () => {
  const signed = plain.replace("\n\n", "\ngpgsig one\n two\n \nmergetag object x\n type commit\n\n");
  const commit = parse(signed);
  assert.deepEqual([commit.tree, commit.parents, commit.author], [tree, [parent], "A <a@example.org>"]);
  assert.equal(commit.committed, 1_700_000_000);
  assert.deepEqual(commit.signatures, [{ header: "gpgsig", text: "one\ntwo\n" }]);
  assert.equal(
    Buffer.from(commit.payload).toString(),
    plain.replace("\n\n", "\nmergetag object x\n type commit\n\n"),
  );
});

for (const [name, body] of [
  ["no empty line", plain.replace("\n\n", "\n")],
  ["a NUL in the message", plain.replace("message", "mess\0age")],
  ["a NUL in a header", plain.replace("A <", "A\0 <")],
  ["a continuation line first", ` x\n${plain}`],
  ["a header without a value", plain.replace("\n\n", "\nencoding\n\n")],
  ["a second tree", plain.replace("\nparent", `\ntree ${tree}\nparent`)],
  ["a parent behind the author", plain.replace("\ncommitter", `\nparent ${parent}\ncommitter`)],
  ["a parent at the end", plain.replace("\n\n", `\nparent ${parent}\n\n`)],
  ["a second author", plain.replace("\n\n", `\nauthor ${who}\n\n`)],
  ["no committer", plain.replace(/committer.*\n/, "")],
  ["a tree of two lines", plain.replace(tree, `${tree}\n x`)],
  ["an id of the other format", plain.replace(tree, "1".repeat(64))],
  ["an id in capitals", plain.replace(tree, "A".repeat(40))],
  ["a short id", plain.replace(tree, "1".repeat(39))],
  ["nothing", ""],
  ["too many headers", plain.replace("\n\n", `${"\nx y".repeat(10_001)}\n\n`)],
] as const) {
  test(`malformed: ${name}`, () => {
    assert.throws(() => parse(body), { code: "malformed" });
  });
}

test("a tag's signature is its last block, and all that follows", () => {
  const head = `object ${parent}\ntype commit\ntag v1\ntagger ${who}\n\n`;
  const block = "-----BEGIN SSH SIGNATURE-----\nx\n-----END SSH SIGNATURE-----\n";
  const tag = parseTag(
    parent as ObjectId,
    Buffer.from(`${head}quoted:\n${block}\rx\r-----BEGIN SSH SIGNATURE-----\n${block}more\n`),
    "sha1",
  );
  assert.deepEqual([tag.name, tag.object, tag.objectType], ["v1", parent, "commit"]);
  assert.deepEqual(tag.signatures, [{ header: "", text: `${block}more\n` }]);
  assert.equal(
    Buffer.from(tag.payload).toString(),
    `${head}quoted:\n${block}\rx\r-----BEGIN SSH SIGNATURE-----\n`,
  );
});
