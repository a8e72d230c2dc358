import assert from "node:assert/strict";
import * as fs from "node:fs";
import { after, test } from "node:test";
import * as fc from "fast-check";

import { collect, inPieces } from "../../../test/support/pieces.ts";
import { StockNix } from "../../../test/support/stock-nix.ts";
import { narOf, trees as anyTree, writeTree } from "../../../test/support/nar-trees.ts";
import { trees } from "../../system/trees.ts";
import { formatHash } from "../hash.ts";
import { hashStream } from "./hash.ts";
import { listNar } from "./list.ts";
import { readNar } from "./reader.ts";
import { unpackNar } from "./unpack.ts";
import { verifyNar } from "./verify.ts";
import { writeNar } from "./writer.ts";

const nix = new StockNix();
after(() => nix.remove());
let count = 0;
const fresh = (): string => nix.path(`t${count++}`);

test("any tree: our archive is stock Nix's, byte for byte, and its hash is nix-hash's", async () => {
  await fc.assert(
    fc.asyncProperty(anyTree, async (tree) => {
      const path = fresh();
      writeTree(tree, Buffer.from(path));
      const ours = await collect(writeNar(trees, path));
      assert.deepEqual(ours, nix.run("nix-store", ["--dump", path]));
      assert.deepEqual(ours, narOf(tree));
      const { hash, size } = await hashStream(writeNar(trees, path));
      assert.equal(formatHash(hash, "nix32"), nix.text("nix-hash", "--type", "sha256", "--base32", path));
      assert.equal(size, ours.length);
    }),
    { numRuns: 25 },
  );
});

test("any tree: what we unpack, stock Nix dumps to the same archive, and we unpack what it dumps", async () => {
  await fc.assert(
    fc.asyncProperty(anyTree, fc.integer({ min: 1, max: 100 }), async (tree, size) => {
      const archive = narOf(tree);
      const path = fresh();
      await unpackNar(inPieces(archive, size), trees, path);
      assert.deepEqual(nix.run("nix-store", ["--dump", path]), archive);
    }),
    { numRuns: 25 },
  );
  assert.deepEqual(
    fs.readdirSync(nix.directory).filter((name) => name.includes("partial")),
    [],
  );
});

test("whole, in pieces and byte by byte: the same events", async () => {
  const events = async (archive: Uint8Array, size: number): Promise<unknown[]> => {
    const list: unknown[] = [];
    let content: number[] | undefined;
    for await (const event of readNar(inPieces(archive, size)))
      if (event.type === "content") content?.push(...event.bytes);
      else list.push(event, event.type === "file" ? (content = []) : null);
    return list;
  };
  await fc.assert(
    fc.asyncProperty(anyTree, fc.integer({ min: 2, max: 64 }), async (tree, size) => {
      const archive = narOf(tree);
      const whole = await events(archive, archive.length);
      assert.deepEqual(await events(archive, size), whole);
      assert.deepEqual(await events(archive, 1), whole);
    }),
    { numRuns: 40 },
  );
});

test("what we accept of a damaged archive, stock Nix unpacks to that very archive", async () => {
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(anyTree, fc.nat(), fc.integer({ min: 1, max: 255 }), async (tree, place, flip) => {
      const archive = narOf(tree);
      archive[place % archive.length]! ^= flip;
      try {
        await verifyNar(inPieces(archive));
      } catch {
        return;
      }
      accepted++;
      const path = fresh();
      nix.run("nix-store", ["--restore", path], archive);
      assert.deepEqual(nix.run("nix-store", ["--dump", path]), archive);
    }),
    { numRuns: 300, seed: 3 },
  );
  assert.ok(accepted > 10, String(accepted));
});

test("a listing is the one that nix nar ls prints", async () => {
  const path = fresh();
  fs.mkdirSync(`${path}/dir/empty`, { recursive: true });
  fs.writeFileSync(`${path}/dir/file`, "content");
  fs.writeFileSync(`${path}/dir/none`, "");
  fs.writeFileSync(`${path}/run`, "#!", { mode: 0o755 });
  fs.writeFileSync(`${path}/__proto__`, "p");
  fs.symlinkSync("../x", `${path}/link`);
  const archive = nix.run("nix-store", ["--dump", path]);
  const file = fresh();
  fs.writeFileSync(file, archive);
  const theirs = nix.json("nix", "nar", "ls", "--json", "--recursive", file, "/");
  assert.deepEqual(JSON.parse(JSON.stringify(await listNar(inPieces(archive)))), theirs);
});

test("verify says what an archive is", async () => {
  const tree = { type: "directory", entries: [["l", { type: "symlink", target: "x" }]] } as const;
  const archive = narOf(tree);
  const { hash, size } = await hashStream(inPieces(archive));
  assert.deepEqual(await verifyNar(inPieces(archive, 7)), {
    hash,
    size,
    files: 0,
    directories: 1,
    symlinks: 1,
  });
});

test("what a NAR cannot hold is refused", async () => {
  const path = fresh();
  fs.mkdirSync(path);
  nix.run("mkfifo", [`${path}/pipe`]);
  await assert.rejects(collect(writeNar(trees, path)), { code: "io", where: { file: `${path}/pipe` } });
  await assert.rejects(collect(writeNar(trees, `${path}/nothing`)), { code: "not-found" });
});

test("a file that changes while it is read is an error, not another archive", async () => {
  const path = fresh();
  fs.writeFileSync(path, "12345678");
  for (const size of [7, 9]) {
    const status = async () => ({ kind: "file" as const, executable: false, size });
    await assert.rejects(collect(writeNar({ ...trees, status }, path)), { code: "io" });
  }
});

test("deep trees are archived and unpacked; deeper than the limit they are refused", async () => {
  const deep = (levels: number): Buffer => {
    const head = narOf({ type: "directory", entries: [["d", { type: "directory", entries: [] }]] });
    const shell = narOf({ type: "directory", entries: [] });
    const magic = shell.subarray(0, 24);
    const open = head.subarray(24, head.indexOf("node") + 8);
    const inner = shell.subarray(24);
    const close = head.subarray(head.length - 32);
    return Buffer.concat([magic, ...Array(levels).fill(open), inner, ...Array(levels).fill(close)]);
  };
  const path = fresh();
  await unpackNar(inPieces(deep(1000)), trees, path);
  assert.deepEqual(await collect(writeNar(trees, path)), deep(1000));
  await verifyNar(inPieces(deep(2047)));
  await listNar(inPieces(deep(999)));
  await assert.rejects(listNar(inPieces(deep(1000))), { code: "limit" });
  await assert.rejects(verifyNar(inPieces(deep(2048))), { code: "limit" });
  await assert.rejects(verifyNar(inPieces(deep(20_000))), { code: "limit" });
});

test("a directory that never ends is refused", async () => {
  const status = async () => ({ kind: "directory" as const, executable: true, size: 0 });
  const list = async () => [Buffer.from("d")];
  await assert.rejects(collect(writeNar({ ...trees, status, list }, "top")), { code: "limit" });
});

test("memory does not grow with a file", async () => {
  const size = 512 << 20;
  const empty = narOf({ type: "regular", executable: false, content: new Uint8Array(0) });
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(size));
  let most = 0;
  async function* large() {
    const piece = new Uint8Array(1 << 20);
    yield empty.subarray(0, -24);
    yield length;
    for (let sent = 0; sent < size; sent += piece.length) {
      most = Math.max(most, process.memoryUsage().arrayBuffers);
      yield piece;
    }
    yield empty.subarray(-16);
  }
  const before = process.memoryUsage().arrayBuffers;
  assert.equal((await verifyNar(large())).files, 1);
  assert.ok(most - before < 64 << 20, `${most - before} bytes held`);
});
