import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { inPieces } from "../../../test/support/pieces.ts";
import { pathWithNar } from "../../../test/support/protocol-paths.ts";
import { temporaryDirectory } from "../../../test/support/temporary.ts";
import { clock } from "../../system/clock.ts";
import { files } from "../../system/files.ts";
import { processes } from "../../system/processes.ts";
import { random } from "../../system/random.ts";
import { narName } from "./names.ts";
import { Quarantine, type QuarantineLimits } from "./quarantine.ts";
import { sweep } from "./sweep.ts";

const limits: QuarantineLimits = { bytes: 1 << 20, entries: 100, reserve: 0 };
const ports = { files, random, processes };
const hello = pathWithNar("hello");

async function make(context: TestContext, changed: Partial<QuarantineLimits> = {}): Promise<Quarantine> {
  const quarantine = new Quarantine(ports, temporaryDirectory(context), { ...limits, ...changed });
  await quarantine.prepare();
  return quarantine;
}

const everything = ({ directory }: Quarantine): string[] =>
  fs
    .readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((name) => fs.statSync(join(directory, name)).isFile())
    .sort();

async function keep(quarantine: Quarantine, { info, nar }: typeof hello, member: string): Promise<void> {
  await quarantine.keep(await quarantine.receive(info, inPieces(nar, 50), member), member);
}

test("kept under its hash, with what the member says of it; released, nothing is left", async (context) => {
  const quarantine = await make(context);
  await keep(quarantine, hello, "alice");
  const archive = narName(hello.info.narHash);
  assert.deepEqual(fs.readFileSync(join(quarantine.directory, archive)), hello.nar);
  const [claim] = await quarantine.claimsOf(hello.info.path);
  assert.deepEqual([claim?.member, claim?.narSize], ["alice", hello.nar.length]);
  const read = await quarantine.read(claim!, "/nix/store");
  assert.deepEqual(read, {
    ...hello.info,
    url: archive,
    compression: "none",
    fileHash: null,
    fileSize: null,
    registrationTime: null,
  });
  await quarantine.release(hello.info);
  assert.deepEqual(everything(quarantine), []);
  assert.equal(await quarantine.read(claim!, "/nix/store"), null);
});

test("two members with the same bytes: one archive, as long as one of them claims it", async (context) => {
  const quarantine = await make(context);
  await Promise.all(["alice", "bob", "carol"].map((member) => keep(quarantine, hello, member)));
  assert.equal(everything(quarantine).length, 4);
  const [first, ...others] = await quarantine.claimsOf(hello.info.path);
  await quarantine.drop(first!);
  assert.ok(everything(quarantine).includes(narName(hello.info.narHash)));
  for (const claim of others) await quarantine.drop(claim);
  assert.deepEqual(everything(quarantine), []);
});

test("claiming and forgetting one archive at the same time never leaves a claim without it", async (context) => {
  const quarantine = await make(context);
  for (let round = 0; round < 40; round++) {
    await Promise.all([
      keep(quarantine, hello, "alice"),
      ...[1, 2, 3].map(async () => {
        const passing = await quarantine.receive(hello.info, inPieces(hello.nar), null);
        await quarantine.publish(passing);
        await quarantine.forget(passing);
      }),
    ]);
    assert.ok(everything(quarantine).includes(narName(hello.info.narHash)), `round ${round}`);
    await quarantine.release(hello.info);
    assert.deepEqual(everything(quarantine), []);
  }
});

test("an archive that goes between its coming and its claim is put back", async (context) => {
  const quarantine = await make(context);
  const archive = join(quarantine.directory, narName(hello.info.narHash));
  // Another process has looked before there was a claim, and removes now.
  const writeAtomic: typeof files.writeAtomic = async (path, bytes, options) => {
    fs.rmSync(archive);
    await files.writeAtomic(path, bytes, options);
  };
  const late = new Quarantine({ ...ports, files: { ...files, writeAtomic } }, quarantine.directory, limits);
  await keep(late, hello, "alice");
  assert.deepEqual(fs.readFileSync(archive), hello.nar);
});

test("what is said of a path is no way around the quota", async (context) => {
  const quarantine = await make(context);
  const references = Array.from({ length: 500 }, (_, n) => pathWithNar(`made-up-${n}`).info.path);
  const info = { ...hello.info, references };
  await assert.rejects(quarantine.receive(info, inPieces(hello.nar), "alice"), { code: "limit" });
  assert.deepEqual(everything(quarantine), []);
  const warranted = await quarantine.receive(info, inPieces(hello.nar), null);
  await quarantine.forget(warranted);
});

test("a stream that breaks leaves nothing", async (context) => {
  const quarantine = await make(context);
  async function* breaking() {
    yield hello.nar.subarray(0, 100);
    throw new Error("cut off");
  }
  for (const member of ["alice", null])
    await assert.rejects(quarantine.receive(hello.info, breaking(), member), /cut off/);
  assert.deepEqual(everything(quarantine), []);
});

test("one member may hold half, all together the whole; what is still coming in counts", async (context) => {
  const quarantine = await make(context, { entries: 10 });
  for (let n = 0; n < 5; n++)
    await keep(quarantine, pathWithNar(`x${n}`, { type: "symlink", target: `${n}` }), "alice");
  const more = pathWithNar("more");
  await assert.rejects(quarantine.receive(more.info, inPieces(more.nar), "alice"), {
    code: "limit",
    message: /share of alice/,
  });
  await keep(quarantine, more, "bob");
  const narrow = await make(context, { bytes: 8192 * 4 });
  await keep(narrow, hello, "alice");
  const big = { info: { ...more.info, narSize: 8192 * 2 }, nar: more.nar };
  await assert.rejects(narrow.receive(big.info, inPieces(big.nar), "alice"), { code: "limit" });
  await assert.rejects(narrow.receive({ ...big.info, narSize: 8192 * 5 }, inPieces(big.nar), "bob"), {
    code: "limit",
  });
  assert.equal(everything(narrow).length, 2);

  // Two at once that fit only one by one: never both.
  const tight = await make(context, { bytes: 8192 * 2 });
  const results = await Promise.allSettled(
    [hello, more, pathWithNar("third", { type: "symlink", target: "x" })].map((one) =>
      keep(tight, one, "alice"),
    ),
  );
  assert.ok(results.filter(({ status }) => status === "fulfilled").length <= 1);
});

test("a full disk is told before the first byte, and while it is written", async (context) => {
  const before = await make(context, { reserve: 2 ** 52 });
  await assert.rejects(before.receive(hello.info, inPieces(hello.nar), null), {
    code: "io",
    message: /no space left/,
  });
  assert.deepEqual(everything(before), []);
  if (process.getuid?.() !== 0) return;
  const directory = temporaryDirectory(context);
  if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", directory]).status !== 0) return;
  try {
    const small = new Quarantine(
      { ...ports, files: { ...files, freeSpace: async () => 2 ** 40 } },
      directory,
      limits,
    );
    await small.prepare();
    async function* large() {
      for (let n = 0; n < 8; n++) yield new Uint8Array(1 << 18);
    }
    await assert.rejects(small.receive({ ...hello.info, narSize: 1 << 21 }, large(), null), {
      code: "io",
      message: /no space left/,
    });
    assert.deepEqual(everything(small), []);
  } finally {
    spawnSync("umount", [directory]);
  }
});

test("what a killed process leaves is no entry, and the next one sweeps it away", async (context) => {
  const quarantine = await make(context);
  const program = fileURLToPath(new URL("../../../test/support/slow-upload.js", import.meta.url));
  for (const member of ["alice", "-"]) {
    const child = spawn(process.execPath, [program, quarantine.directory, member], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data"); // it has written half
    assert.equal(fs.readdirSync(join(quarantine.directory, "incoming")).length, 1);
    assert.deepEqual(await sweep({ files, clock }, quarantine, 7), [], "the living are left alone");
    child.kill("SIGKILL");
    await once(child, "exit");
    assert.deepEqual(await quarantine.claims(), []);
    assert.deepEqual(
      fs.readdirSync(quarantine.directory).filter((name) => name.endsWith(".nar")),
      [],
    );
    assert.equal((await sweep({ files, clock }, quarantine, 7)).length, 1);
    assert.deepEqual(everything(quarantine), []);
  }
});

test("what nobody claims, and what waited too long, is swept away", async (context) => {
  const quarantine = await make(context);
  await keep(quarantine, hello, "alice");
  fs.writeFileSync(
    join(quarantine.directory, narName({ ...hello.info.narHash, digest: new Uint8Array(32) })),
    "of a killed process",
  );
  const passing = pathWithNar("passing", { type: "symlink", target: "x" });
  const arrived = await quarantine.receive(passing.info, inPieces(passing.nar), null);
  await quarantine.publish(arrived);
  assert.equal((await sweep({ files, clock }, quarantine, 7)).length, 1);
  assert.equal(everything(quarantine).length, 4, "what is about to be imported is left alone");
  await quarantine.forget(arrived);
  const later = { now: () => new Date(Date.now() + 7 * 24 * 3600_000 + 60_000) };
  assert.equal((await sweep({ files, clock: later }, quarantine, 7)).length, 1);
  assert.deepEqual(everything(quarantine), []);
});
