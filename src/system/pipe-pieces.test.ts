import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { test } from "node:test";

const module = new URL("./streams.js", import.meta.url).href;
/** Says the digest of its stdin, after waiting now and then, as whoever works on a piece does. */
const script = `
  import { createHash } from "node:crypto";
  import { streams } from ${JSON.stringify(module)};
  const digest = createHash("sha256");
  let n = 0;
  for await (const piece of streams.stdin({ reuse: true })) {
    if (n++ % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
    digest.update(piece);
  }
  console.log(digest.digest("hex"));`;
const node = ["--input-type=module", "-e"];

test("a pipe, a socket and a file are read to their ends, each byte once", () => {
  for (const size of [0, 1, 5_000_000]) {
    const input = Buffer.alloc(size, "some bytes, and others");
    const expected = `${createHash("sha256").update(input).digest("hex")}\n`;
    const socket = spawnSync(process.execPath, [...node, script], { input, encoding: "utf8" });
    assert.equal(socket.stdout, expected, socket.stderr);
    const words = `head -c ${size} /dev/zero | "$0" "$@"`;
    const pipe = spawnSync("sh", ["-c", words, process.execPath, ...node, script], { encoding: "utf8" });
    assert.equal(pipe.stdout, `${createHash("sha256").update(Buffer.alloc(size)).digest("hex")}\n`);
  }
});

test("whoever stops reading is not kept by a sender that keeps its side open", async () => {
  const early = script.replace("digest.update(piece);", "digest.update(piece); break;");
  const child = spawn(process.execPath, [...node, early], { stdio: ["pipe", "ignore", "inherit"] });
  child.stdin.on("error", () => undefined).write("a piece");
  assert.deepEqual(await once(child, "exit"), [0, null]);
});
