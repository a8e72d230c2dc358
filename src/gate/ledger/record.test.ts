import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { actor, ledgerRecord, wholeLedger } from "../../../test/support/ledger.ts";
import { temporaryDirectory } from "../../../test/support/temporary.ts";
import { noon, pathOf } from "../../../test/support/warrants.ts";
import { top } from "../../../test/console.ts";
import { nameOf } from "../../nix/store-path.ts";
import { files } from "../../system/files.ts";
import { parseContentAddress } from "../../nix/content-address.ts";
import type { LedgerRecord } from "./entry.ts";
import type { Origin } from "./origin.ts";
import { readHead, readLedger } from "./read.ts";
import { record } from "./record.ts";

const ports = { files, clock: { now: () => noon } };
const names = ["glibc-2.39", "openssl-3.0.13", "system-1.0"];

function ledger(t: TestContext) {
  const directory = join(temporaryDirectory(t), "ledger");
  return { directory, segment: join(directory, "00000001.ndjson") };
}

async function filled(t: TestContext) {
  const made = ledger(t);
  for (const name of names) await record(ports, made.directory, [ledgerRecord(name)]);
  return { ...made, bytes: readFileSync(made.segment) };
}

test("every origin comes back as it went in, in order and with its time", async (t) => {
  const { directory } = ledger(t);
  const uploader = actor("carol", 2n ** 64n - 1n);
  const origins: Origin[] = [
    { kind: "warrant", digest: "0f".repeat(32), signers: [actor("alice"), actor("bob", null)], uploader },
    { kind: "upstream", signature: { name: "cache.nixos.org-1", bytes: new Uint8Array(64) }, uploader: null },
    { kind: "content-address", address: parseContentAddress(`text:sha256:${"00".repeat(32)}`), uploader },
    { kind: "build", derivation: pathOf("hello.drv"), inputs: [pathOf("glibc-2.39")] },
    { kind: "quarantine", uploader },
    { kind: "certificate", uploader },
    { kind: "unknown" },
  ];
  const records = origins.map((origin, i): LedgerRecord =>
    ledgerRecord(`path-${i}`, {
      origin,
      references: ["glibc-2.39"],
      event: i === 0 ? "repaired" : "added",
      deriver: i === 3 ? pathOf("hello.drv") : null,
    }),
  );
  await record(ports, directory, records);
  const { entries, faults } = await wholeLedger(directory);
  assert.deepEqual(
    entries,
    records.map((one) => ({ ...one, time: noon })),
  );
  assert.deepEqual(faults, []);
  assert.equal(statSync(directory).mode & 0o777, 0o755);
});

test("power cut at any byte of the last line: nothing that was confirmed is lost, and the next writer says it", async (t) => {
  const { directory, segment, bytes } = await filled(t);
  const lastStart = bytes.lastIndexOf("\n", bytes.length - 2) + 1;
  for (let length = lastStart; length < bytes.length; length += 1) {
    for (const name of readdirSync(directory))
      if (name !== "00000001.ndjson") await files.remove(join(directory, name));
    writeFileSync(segment, bytes.subarray(0, length));
    const torn = length - lastStart;
    const found = await wholeLedger(directory);
    assert.equal(found.entries.length, 2);
    assert.deepEqual(
      found.faults.map(({ kind, line }) => [kind, line]),
      torn === 0 ? [] : [["torn", 4]],
    );
    const { notices } = await record(ports, directory, [ledgerRecord("later-1")]);
    assert.equal(notices.length, torn === 0 ? 0 : 1, `${length}`);
    const after = await wholeLedger(directory);
    assert.deepEqual(
      after.entries.map(({ path }) => path),
      [...names.slice(0, 2), "later-1"].map(pathOf),
    );
    assert.deepEqual(
      after.faults.map(({ kind }) => kind),
      torn === 0 ? [] : ["torn"],
    );
    if (torn > 0)
      assert.deepEqual(readFileSync(segment), bytes.subarray(0, length), "evidence stays as it is");
    const again = await record(ports, directory, [ledgerRecord("later-2")]);
    assert.deepEqual(again.notices, []);
  }
});

test("a tail of zeros, as some file systems leave it, is torn too", async (t) => {
  const { directory, segment, bytes } = await filled(t);
  writeFileSync(segment, Buffer.concat([bytes, Buffer.alloc(4096)]));
  const { notices } = await record(ports, directory, [ledgerRecord("later-1")]);
  assert.match(notices.join(), /4096 bytes/);
  const { entries, faults } = await wholeLedger(directory);
  assert.equal(entries.length, 4);
  assert.deepEqual(
    faults.map(({ kind }) => kind),
    ["torn"],
  );
});

test("a changed byte anywhere, a line taken out, put in or moved is found", async (t) => {
  const { directory, segment, bytes } = await filled(t);
  const faultsOf = async (content: Uint8Array): Promise<string[]> => {
    writeFileSync(segment, content);
    return (await wholeLedger(directory)).faults.map(({ kind }) => kind);
  };
  for (let at = 0; at < bytes.length; at += 1) {
    const changed = Buffer.from(bytes);
    changed[at]! ^= 1;
    assert.notDeepEqual(await faultsOf(changed), [], `byte ${at}`);
  }
  const lines = bytes.toString().split("\n").slice(0, -1);
  const join = (...order: number[]): Buffer => Buffer.from(order.map((i) => `${lines[i]!}\n`).join(""));
  assert.deepEqual(await faultsOf(join(0, 1, 2, 3)), []);
  for (const order of [
    [0, 2, 3],
    [0, 1, 3],
    [1, 2, 3],
    [0, 1, 1, 2, 3],
    [0, 2, 1, 3],
    [0, 1, 0, 2, 3],
  ])
    assert.ok((await faultsOf(join(...order))).includes("changed"), order.join());
});

test("after a change in the middle the gate goes on, and the change stays visible", async (t) => {
  const { directory, segment, bytes } = await filled(t);
  writeFileSync(segment, bytes.toString().replace("openssl-3.0.13", "openssl-9.9.99"));
  await record(ports, directory, [ledgerRecord("later-1")]);
  const { entries, faults } = await wholeLedger(directory);
  assert.equal(entries.length, 4);
  assert.deepEqual(
    faults.map(({ kind, line }) => [kind, line]),
    [["changed", 3]],
  );
});

test("a full segment is closed and the chain goes on; a segment that is gone is missed", async (t) => {
  const { directory } = ledger(t);
  const many = Array.from({ length: 24_000 }, (_, i) => ledgerRecord(`p-${i}`));
  const { head } = await record(ports, directory, many);
  const segments = readdirSync(directory).filter((name) => name.endsWith(".ndjson"));
  assert.ok(segments.length >= 2, segments.join());
  for (const name of segments) assert.ok(statSync(join(directory, name)).size < (8 << 20) + 4096);
  assert.equal(head!.segment, segments.length);
  const { torn, ...read } = (await readHead(files, directory))!;
  assert.deepEqual([read, torn], [head, 0]);
  const { entries, faults } = await wholeLedger(directory);
  assert.deepEqual([entries.length, faults], [24_000, []]);
  const last = [];
  for await (const item of readLedger(files, directory, segments.length)) last.push(item);
  assert.ok(last.length < 12_000 && last.every(({ kind }) => kind === "entry"), String(last.length));
  await files.remove(join(directory, "00000001.ndjson"));
  const rest = await wholeLedger(directory);
  assert.deepEqual(
    rest.faults.map(({ kind }) => kind),
    ["missing"],
  );
  assert.ok(rest.entries.length > 0);
});

test("writers in several processes, some killed, never mix their lines", async (t) => {
  const { directory } = ledger(t);
  const writer = fileURLToPath(new URL("../../../test/support/ledger-writer.js", import.meta.url));
  const children = ["a", "b", "c", "d"].map((name) =>
    spawn(process.execPath, [writer, directory, name, "20"], { stdio: ["ignore", "pipe", "inherit"] }),
  );
  const confirmed = children.map(() => 0);
  for (const [i, child] of children.entries())
    child.stdout.on("data", (bytes: Buffer) => {
      confirmed[i]! += bytes.length;
      if (i === 0 && confirmed[i]! >= 5) child.kill("SIGKILL");
    });
  await Promise.all(children.map((child) => once(child, "close")));
  const { entries, faults } = await wholeLedger(directory);
  assert.deepEqual(
    faults.filter(({ kind }) => kind !== "torn"),
    [],
  );
  for (const [i, name] of ["a", "b", "c", "d"].entries()) {
    const own = entries.filter(({ path }) => path.includes(`-${name}-`));
    assert.ok(own.length >= confirmed[i]!, `${name}: ${own.length} of ${confirmed[i]!}`);
    assert.deepEqual(
      own.map(({ path }) => path),
      own.map((_, at) => pathOf(`${name}-${at}`)),
    );
  }
});

test("a ledger that an earlier version wrote is read", async () => {
  const { entries, faults } = await wholeLedger(join(top, "test/vectors/ledger"));
  assert.deepEqual(faults, []);
  assert.deepEqual(
    entries.map(({ path, origin }) => `${nameOf(path)} ${origin.kind}`),
    ["glibc-2.39 upstream", "openssl-3.0.14 warrant", "nginx-1.26.0 warrant"],
  );
});

test("a symlink at a segment's place is not written through", async (t) => {
  const { directory, segment } = ledger(t);
  await files.makeDirectory(directory, { mode: 0o755, parents: true });
  const target = join(directory, "target");
  writeFileSync(target, "mine\n");
  symlinkSync(target, segment);
  await assert.rejects(record(ports, directory, [ledgerRecord("a-1")]), { code: "io" });
  assert.equal(readFileSync(target, "utf8"), "mine\n");
});
