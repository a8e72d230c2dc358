import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../test/support/temporary.ts";
import { NixsealError } from "../core/errors.ts";
import { files } from "./files.ts";
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

test("where nothing can be written the lock is had all the same", async (context) => {
  const path = join(temporaryDirectory(context), "lock");
  await (await lock(path, { wait: 0, purpose: "set" })).release();
  const script = ["--input-type=module", "-e", holder, module, path];
  // No file may grow by a byte, as on a full disk.
  const child = spawn("prlimit", ["--fsize=0", process.execPath, ...script]);
  context.after(() => child.kill("SIGKILL"));
  const [said] = (await Promise.race([once(child.stdout, "data"), once(child, "exit")])) as [unknown];
  assert.equal(String(said), "held\n");
  await assert.rejects(lock(path, { wait: 0, purpose: "set" }), { message: "locked by another process" });
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

test("what stands at the lock's place and is no file is an error with its place, and does not hang", async (context) => {
  const directory = temporaryDirectory(context);
  const paths = ["link", "pipe", "directory", "missing/lock"].map((name) => join(directory, name));
  symlinkSync(join(directory, "victim"), paths[0]!);
  spawnSync("mkfifo", [paths[1]!]);
  mkdirSync(paths[2]!);
  for (const path of paths)
    await assert.rejects(files.lock(path, { wait: 0, purpose: "set" }), (error) => {
      assert.ok(error instanceof NixsealError, String(error));
      assert.notEqual(error.code, "bug");
      assert.equal(error.where?.file, path);
      return true;
    });
  assert.equal(existsSync(join(directory, "victim")), false);
});

test("ctrl-c at the terminal does not reach the process that holds the lock", async (context) => {
  const path = join(temporaryDirectory(context), "lock");
  const deaf = `process.on("SIGINT", () => {});${holder}`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", deaf, module, path], {
    detached: true,
  });
  context.after(() => child.kill("SIGKILL"));
  await once(child.stdout, "data");
  process.kill(-child.pid!, "SIGINT"); // to the whole group, as the terminal does
  await assert.rejects(lock(path, { wait: 300, purpose: "set" }), { code: "conflict" });
});
