import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { utf8 } from "../core/bytes.ts";
import { temporaryDirectory } from "../../test/support/temporary.ts";
import { trees } from "./trees.ts";

const top = new Uint8Array(0);

async function content(path: string): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of trees.read(utf8(path))) parts.push(part);
  return Buffer.concat(parts).toString();
}

test("names and targets that are not UTF-8 are read and written as they are", async (context) => {
  const directory = temporaryDirectory(context);
  const name = Buffer.from([0x61, 0xff]);
  const builder = await trees.build(join(directory, "new"));
  await builder.makeDirectory(top);
  await builder.symlink(Buffer.from([0xfe]), name);
  await builder.commit();
  const listed = await trees.list(utf8(join(directory, "new")));
  assert.deepEqual(
    listed.map((found) => [...found]),
    [[...name]],
  );
  const path = Buffer.concat([utf8(`${directory}/new/`), name]);
  assert.deepEqual([...(await trees.readLink(path))], [0xfe]);
});

test("modes are those of any new file; only the owner's executable bit is seen", async (context) => {
  const directory = temporaryDirectory(context);
  const path = join(directory, "new");
  const builder = await trees.build(path);
  await builder.makeDirectory(top);
  for (const executable of [true, false]) {
    const file = await builder.createFile(utf8(executable ? "x" : "f"), { executable });
    await file.write(utf8("content"));
    await file.close();
  }
  await builder.commit();
  const mode = (name: string): number => fs.statSync(join(path, name)).mode & 0o777;
  const umask = process.umask();
  assert.deepEqual([mode("."), mode("x"), mode("f")], [0o777 & ~umask, 0o777 & ~umask, 0o666 & ~umask]);
  fs.chmodSync(join(path, "f"), 0o655);
  const executable = async (name: string) => (await trees.status(utf8(join(path, name)))).executable;
  assert.deepEqual([await executable("x"), await executable("f")], [true, false]);
  assert.equal(await content(join(path, "x")), "content");
});

test("only regular files are read, and no symlink in their place", async (context) => {
  const directory = temporaryDirectory(context);
  fs.writeFileSync(join(directory, "file"), "secret");
  fs.symlinkSync("file", join(directory, "link"));
  spawnSync("mkfifo", [join(directory, "pipe")]);
  for (const name of ["link", "pipe", "."])
    await assert.rejects(content(join(directory, name)), { code: "io" }, name);
  await assert.rejects(content(join(directory, "none")), { code: "not-found" });
  assert.equal((await trees.status(utf8(join(directory, "link")))).kind, "symlink");
  assert.equal((await trees.status(utf8(join(directory, "pipe")))).kind, "other");
});

test("what exists is refused at the start, and what appears meanwhile at the end", async (context) => {
  const directory = temporaryDirectory(context);
  const path = join(directory, "new");
  const appear = [
    () => fs.mkdirSync(path),
    () => fs.writeFileSync(path, "theirs"),
    () => fs.symlinkSync("/nowhere", path),
  ];
  for (const make of appear)
    for (const kind of ["file", "directory"]) {
      const builder = await trees.build(path);
      if (kind === "file") await (await builder.createFile(top, { executable: false })).close();
      else await builder.makeDirectory(top);
      make();
      const before = fs.lstatSync(path).ino;
      await assert.rejects(trees.build(path), { code: "conflict" });
      await assert.rejects(builder.commit(), { code: "conflict" });
      await builder.discard();
      assert.equal(fs.lstatSync(path).ino, before);
      assert.deepEqual(fs.readdirSync(directory), ["new"]);
      fs.rmSync(path, { recursive: true });
    }
});

test("a symlink that somebody puts in the place of the unfinished tree is not written through", async (context) => {
  const directory = temporaryDirectory(context);
  const builder = await trees.build(join(directory, "new"));
  await builder.makeDirectory(top);
  const [aside] = fs.readdirSync(directory);
  fs.mkdirSync(join(directory, "victim/tree"), { recursive: true });
  fs.renameSync(join(directory, aside!), join(directory, "moved"));
  fs.symlinkSync("victim", join(directory, aside!));
  await (await builder.createFile(utf8("authorized_keys"), { executable: false })).close();
  assert.deepEqual(fs.readdirSync(join(directory, "victim/tree")), []);
  await assert.rejects(builder.discard(), { code: "not-found" });
  assert.deepEqual(fs.readdirSync(join(directory, "moved")), []);
});

test("nothing is made twice, under a file or through a symlink of the tree", async (context) => {
  const directory = temporaryDirectory(context);
  const builder = await trees.build(join(directory, "new"));
  await builder.makeDirectory(top);
  await builder.symlink(utf8("."), utf8("link"));
  await (await builder.createFile(utf8("file"), { executable: false })).close();
  await assert.rejects(builder.createFile(utf8("link"), { executable: false }), { code: "conflict" });
  await assert.rejects(builder.createFile(utf8("file"), { executable: true }), { code: "conflict" });
  await assert.rejects(builder.makeDirectory(utf8("link")), { code: "conflict" });
  await assert.rejects(builder.symlink(utf8("x"), utf8("file")), { code: "conflict" });
  await assert.rejects(builder.makeDirectory(utf8("file/x")), { code: "not-found" });
  await builder.discard();
  await builder.discard();
  assert.deepEqual(fs.readdirSync(directory), []);
});

/** A program that begins a tree and is ended by the signal before it is complete; which signal ended it. */
function endedHalfWay(path: string, signal: NodeJS.Signals, listener = ""): NodeJS.Signals | null {
  const script = `
    const { trees } = await import(${JSON.stringify(new URL("./trees.js", import.meta.url).href)});
    ${listener}
    const other = await trees.build(process.argv[1] + "2");
    const builder = await trees.build(process.argv[1]);
    await builder.makeDirectory(new Uint8Array(0));
    await builder.createFile(Buffer.from("half"), { executable: false });
    process.kill(process.pid, "${signal}");
    setTimeout(() => process.exit(9), 5000);`;
  return spawnSync(process.execPath, ["--input-type=module", "-e", script, path]).signal;
}

test("interrupted half-way nothing is left, and the signal still ends the program", (context) => {
  const directory = temporaryDirectory(context);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    assert.equal(endedHalfWay(join(directory, "new"), signal), signal);
    assert.deepEqual(fs.readdirSync(directory), []);
  }
  const listener = `process.on("SIGTERM", () => process.exit(0));`;
  assert.equal(endedHalfWay(join(directory, "new"), "SIGTERM", listener), null);
});

test("killed half-way there is nothing at the path", (context) => {
  const directory = temporaryDirectory(context);
  assert.equal(endedHalfWay(join(directory, "new"), "SIGKILL"), "SIGKILL");
  const left = fs.readdirSync(directory);
  assert.equal(left.length, 2);
  for (const name of left) {
    assert.match(name, /^\.new2?\.[0-9a-f]{16}\.partial$/);
    assert.equal(fs.statSync(join(directory, name)).mode & 0o777, 0o700);
  }
});

test("a finished or discarded tree listens no more", async (context) => {
  const directory = temporaryDirectory(context);
  const before = process.listenerCount("SIGINT");
  const builder = await trees.build(join(directory, "new"));
  assert.equal(process.listenerCount("SIGINT"), before + 1);
  await builder.makeDirectory(top);
  await builder.commit();
  await (await trees.build(join(directory, "other"))).discard();
  assert.equal(process.listenerCount("SIGINT"), before);
});
