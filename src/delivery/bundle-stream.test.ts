import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { NixsealError } from "../core/errors.ts";
import { tarEnd, tarHeader, tarPadding } from "../core/tar.ts";
import { bundleEntries } from "./bundle-stream.ts";

const archive = (files: ReadonlyMap<string, Uint8Array>): Buffer =>
  Buffer.concat([
    ...[...files].flatMap(([name, bytes]) => [
      tarHeader(name, bytes.length),
      bytes,
      tarPadding(bytes.length),
    ]),
    tarEnd(),
  ]);

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(bytes: Uint8Array, size: number): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  for await (const entry of bundleEntries(inPieces(bytes, size))) {
    const parts: Uint8Array[] = [];
    for await (const piece of entry.bytes) parts.push(piece);
    found.set(entry.name, Buffer.concat(parts));
  }
  return found;
}

const files = fc.uniqueArray(
  fc.tuple(fc.stringMatching(/^[a-z0-9]{1,8}(\/[a-z0-9]{1,8})?$/), fc.uint8Array({ maxLength: 1500 })),
  {
    selector: ([name]) => name,
    maxLength: 4,
  },
);

test("what was written is read, whole, in pieces and byte by byte", async () => {
  await fc.assert(
    fc.asyncProperty(files, fc.constantFrom(1, 7, 512, 1 << 20), async (list, size) => {
      const wanted = new Map(list.map(([name, bytes]) => [name, Buffer.from(bytes)] as const));
      assert.deepEqual(await read(archive(wanted), size), wanted);
    }),
    { numRuns: 40 },
  );
});

test("cut at any place, or with one byte changed outside of the content, it is malformed", async () => {
  const whole = archive(
    new Map([
      ["a/b", Buffer.from("hello")],
      ["c", Buffer.alloc(512, 1)],
    ]),
  );
  const isMalformed = (error: unknown): boolean =>
    error instanceof NixsealError && error.code === "malformed";
  for (let at = 0; at < whole.length; at += 37)
    await assert.rejects(read(whole.subarray(0, at), 512), isMalformed);
  const content = (at: number): boolean => (at >= 512 && at < 517) || (at >= 1536 && at < 2048);
  for (let at = 0; at < whole.length; at += 13) {
    if (content(at)) continue;
    const changed = Buffer.from(whole);
    changed[at]! ^= 0x20;
    await assert.rejects(read(changed, 4096), isMalformed, `byte ${at}`);
  }
});

test("names that lead out of the bundle are refused", async () => {
  for (const name of ["../x", "/etc/x", "a/../b", "a//b", ".hidden", "a/.b", "a b", "a\\b"])
    await assert.rejects(read(archive(new Map([[name, Buffer.from("x")]])), 512), NixsealError, name);
});
