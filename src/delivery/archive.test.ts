/** What a server or a stick may hold in the place of an archive. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { temporaryDirectory } from "../../test/support/temporary.ts";
import { closurePath } from "../../test/support/warrants.ts";
import { utf8 } from "../core/bytes.ts";
import { files } from "../system/files.ts";
import { readArchive } from "./archive.ts";
import { directoryReader, type Reader } from "./reader.ts";

const nar = Buffer.from("what was ordered");
const wanted = {
  ...closurePath("lib"),
  narHash: {
    algorithm: "sha256" as const,
    digest: new Uint8Array(createHash("sha256").update(nar).digest()),
  },
  narSize: nar.length,
};
const digest = "0".repeat(52);

function info(url: string, compression: string): string {
  return [
    `StorePath: ${wanted.path}`,
    `URL: ${url}`,
    `Compression: ${compression}`,
    `FileHash: sha256:${digest}`,
    "FileSize: 1",
    `NarHash: sha256:${digest}`,
    "NarSize: 1",
    "References: ",
    "",
  ].join("\n");
}

/** How many bytes came of it, and why not all. */
async function read(cache: Reader): Promise<{ readonly size: number; readonly why: string }> {
  let size = 0;
  try {
    for await (const piece of readArchive(cache, wanted)) size += piece.length;
  } catch (error) {
    return { size, why: String(error) };
  }
  return { size, why: "" };
}

function serving(url: string, compression: string, body: Uint8Array): Reader {
  return {
    name: "cache",
    get: async () => ({ bytes: utf8(info(url, compression)), tag: null }),
    stream: async function* () {
      for (let at = 0; at < body.length; at += 5) yield body.subarray(at, at + 5);
    },
  };
}

test("the archive that was ordered comes whole; of any other nobody sees the end", async () => {
  assert.deepEqual(await read(serving("nar/a.nar", "none", nar)), { size: nar.length, why: "" });
  assert.deepEqual(await read(serving("nar/a.nar.gz", "gzip", gzipSync(nar))), { size: nar.length, why: "" });
  for (const other of [
    nar.subarray(1),
    Buffer.concat([nar, nar]),
    Buffer.from("what was 0rdered"),
    Buffer.alloc(0),
  ]) {
    const { size, why } = await read(serving("nar/a.nar", "none", other));
    assert.match(why, /not the one that was ordered/);
    assert.ok(size < nar.length, `${size}`);
  }
});

test("64 MiB in a small gzip is cut off at the ordered size", async () => {
  const { size, why } = await read(serving("nar/a.nar.gz", "gzip", gzipSync(Buffer.alloc(64 << 20))));
  assert.match(why, /not the one that was ordered/);
  assert.ok(size < nar.length);
});

test("no place but one of its own below the cache", async () => {
  const urls = [
    "../x.nar",
    "nar/../../x.nar",
    "/etc/passwd",
    "https://elsewhere/x.nar",
    "nar/a.nar?x",
    "nar/a.nar.xz",
  ];
  for (const url of urls)
    assert.match((await read(serving(url, "none", nar))).why, /refused|said to be at/, url);
});

test("links, pipes and directories on a stick are no archives", async (t) => {
  const stick = temporaryDirectory(t);
  fs.mkdirSync(join(stick, "nar"));
  fs.writeFileSync(join(stick, "elsewhere"), nar);
  const name = `${/\/store\/([0-9a-z]{32})/.exec(wanted.path)![1]}.narinfo`;
  const reader = directoryReader(files, stick);
  fs.writeFileSync(join(stick, name), info("nar/a.nar", "none"));
  for (const make of [
    () => fs.symlinkSync("../elsewhere", join(stick, "nar/a.nar")),
    () => execFileSync("mkfifo", [join(stick, "nar/a.nar")]),
    () => fs.mkdirSync(join(stick, "nar/a.nar")),
  ]) {
    make();
    assert.match((await read(reader)).why, /regular file|symlink|directory/);
    fs.rmSync(join(stick, "nar/a.nar"), { recursive: true });
  }
  fs.copyFileSync(join(stick, "elsewhere"), join(stick, "nar/a.nar"));
  assert.equal((await read(reader)).why, "");
  for (const make of [
    () => fs.symlinkSync("elsewhere", join(stick, name)),
    () => execFileSync("mkfifo", [join(stick, name)]),
  ]) {
    fs.rmSync(join(stick, name));
    make();
    assert.match((await read(reader)).why, /regular file|symlink/);
  }
});
