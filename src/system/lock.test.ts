import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../test/support/temporary.ts";
import { lock } from "./lock.ts";

const module = new URL("./lock.js", import.meta.url).href;
const holder = `
  const { lock } = await import(process.argv[1]);
  await lock(process.argv[2], { wait: 0, purpose: "rekey" });
  console.log("held");
  setInterval(() => {}, 1000);
`;

async function holdElsewhere(path: string) {
  const child = spawn(process.execPath, ["--input-type=module", "-e", holder, module, path]);
  await once(child.stdout, "data");
  return child;
}

test("a second one is told who holds the lock, and gets it after the first let go", async (context) => {
  const path = join(temporaryDirectory(context), "lock");
  const first = await lock(path, { wait: 0, purpose: "rekey" });
  await assert.rejects(lock(path, { wait: 0, purpose: "set" }), {
    code: "conflict",
    message: new RegExp(`^locked by rekey \\(pid ${process.pid}, since \\d{4}-`),
  });
  await first.release();
  const second = await lock(path, { wait: 0, purpose: "set" });
  await second.release();
});

test("a waiting one gets the lock as soon as it is free", async (context) => {
  const path = join(temporaryDirectory(context), "lock");
  const first = await lock(path, { wait: 0, purpose: "one" });
  const waiting = lock(path, { wait: 20_000, purpose: "two" });
  await first.release();
  await (await waiting).release();
});

test("kill -9 of the holder frees the lock", async (context) => {
  const path = join(temporaryDirectory(context), "lock");
  const child = await holdElsewhere(path);
  await assert.rejects(lock(path, { wait: 0, purpose: "set" }), { code: "conflict" });
  child.kill("SIGKILL");
  await once(child, "exit");
  const held = await lock(path, { wait: 10_000, purpose: "set" });
  await held.release();
});
