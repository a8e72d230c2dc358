/** Messages of one connection that are under way together, when one of them is slow or fails. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { GateResult } from "../../src/gate/answer.ts";
import type { Answered } from "../../src/gate/import/answers.ts";
import { serveImports } from "../../src/gate/import/serve.ts";
import { ImportSession } from "../../src/gate/import/session.ts";
import { formatMessage, parseMessage } from "../../src/gate/message.ts";
import { uploadMessage } from "../../src/gate/receive/upload-message.ts";
import { narName } from "../../src/gate/quarantine/names.ts";
import { MessageLines } from "../../src/gate/read-message.ts";
import type { StoreMessage } from "../../src/gate/store-message.ts";
import type { StorePath } from "../../src/nix/store-path.ts";
import { parseCertificateLine } from "../../src/ssh/certificate.ts";
import { clock } from "../../src/system/clock.ts";
import { files } from "../../src/system/files.ts";
import { processes } from "../../src/system/processes.ts";
import { wholeLedger } from "../support/ledger.ts";
import { inPieces } from "../support/pieces.ts";
import { ReceivingGate } from "../support/receiving-gate.ts";

/** Paths of these contents that a warrant names, and their archives. */
async function offered(context: TestContext, contents: Readonly<Record<string, string>>) {
  const gate = await ReceivingGate.make(context);
  const paths = Object.entries(contents).map(([name, content]) => gate.builder.add(name, content));
  await gate.offer(gate.builder.add("system", paths.join(" "), paths));
  process.env["NIX_CONF_DIR"] = join(gate.paths.root, "etc/nix");
  const archives = new Map(
    paths.map((path) => [path, gate.builder.run("nix-store", ["--dump", gate.builder.at(path)], "", [])]),
  );
  const message = (path: StorePath) =>
    ({ kind: "import", bytes: archives.get(path)!.length, path, uploader: null }) as const;
  const session = new ImportSession({ files, clock, processes }, gate.config, gate.paths);
  const bring = (path: StorePath): Promise<GateResult> =>
    session.handle(message(path), inPieces(archives.get(path)!));
  return { gate, paths, archives, message, session, bring };
}

test("while Nix is at work the sender may be silent: it waits for us", async (context) => {
  const { gate, paths, archives, message } = await offered(context, { one: "one", two: "two" });
  for (const [path, nar] of archives)
    fs.writeFileSync(join(gate.paths.quarantine, narName(gate.builder.info(path).narHash)), nar);
  // A hundred times as fast as the real one; Nix takes 45 of its seconds for an answer.
  const fast = {
    ...clock,
    sleep: (milliseconds: number) => new Promise<void>((done) => setTimeout(done, milliseconds / 100)),
  };
  let slow = false;
  const converse: typeof processes.converse = (command) => {
    const nix = processes.converse(command);
    const read = async () => {
      const piece = await nix.read();
      if (slow) await fast.sleep(45_000);
      slow = false;
      return piece;
    };
    return { ...nix, read };
  };
  const results: GateResult[] = [];
  let answered = () => undefined as void;
  async function* sent() {
    for (const path of paths) {
      slow = true;
      const answer = new Promise<void>((resolve) => (answered = resolve));
      yield formatMessage({ ...message(path), bytes: null });
      await answer;
    }
  }
  const lines = new MessageLines(sent(), fast);
  const first = parseMessage(await lines.first(), "/nix/store") as StoreMessage;
  const ports = { files, clock: fast, processes: { ...processes, converse } };
  const answer = async (answers: readonly Answered[]) => {
    results.push(...answers.map(({ result }) => result));
    answered();
  };
  await serveImports(
    ports,
    { config: gate.config, paths: gate.paths },
    first,
    lines,
    answer,
    async () => undefined,
  );
  assert.deepEqual(
    results.map((result) => result["outcome"]),
    ["added", "added"],
  );
});

test("two paths of one content are repaired together, each from a copy of its own", async (context) => {
  const { gate, paths, session, bring } = await offered(context, { one: "same", two: "same" });
  for (const name of ["one", "two"]) gate.host.add(name, "planted");
  const results = await Promise.all(paths.map((path) => bring(path)));
  assert.deepEqual(
    results.map((result) => result["outcome"] ?? result["reason"]),
    ["repaired", "repaired"],
  );
  for (const path of paths) gate.host.run("nix-store", ["--verify-path", path]);
  assert.deepEqual(fs.readdirSync(gate.paths.copies), []);
  await session.end();
});

test("one that fails takes nothing from those beside it", async (context) => {
  const { gate, paths, message, session, bring } = await offered(context, { one: "1", two: "2", three: "3" });
  const [one, two, three] = paths as [StorePath, StorePath, StorePath];
  // Its archive is gone in the middle of what Nix is told: the connection to Nix is of no more use.
  const results = await Promise.all([
    bring(one),
    session.handle({ ...message(two), bytes: null }),
    bring(three),
  ]);
  assert.deepEqual(
    results.map((result) => result["outcome"] ?? result["code"]),
    ["added", "not-found", "added"],
  );
  await session.end();
  const { entries } = await wholeLedger(gate.paths.ledger);
  assert.deepEqual(entries.map(({ path }) => path).toSorted(), [one, three].toSorted());
});

test("stage 0: two uploads of one path are one that comes in and one that is there", async (context) => {
  const gate = await ReceivingGate.make(context, { mode: "certificates" });
  gate.makeKey("login-alice");
  const path = gate.builder.add("tool", "tool");
  const info = gate.builder.info(path);
  fs.writeFileSync(
    join(gate.paths.quarantine, narName(info.narHash)),
    gate.builder.run("nix-store", ["--dump", gate.builder.at(path)], "", []),
  );
  const { certificate } = parseCertificateLine(gate.certificate("alice"));
  const upload = formatMessage(uploadMessage(info, { certificate }));
  process.env["NIX_CONF_DIR"] = join(gate.paths.root, "etc/nix");
  const session = new ImportSession({ files, clock, processes }, gate.config, gate.paths);
  const message = parseMessage(upload, "/nix/store") as StoreMessage;
  const results = await Promise.all([session.handle(message), session.handle(message)]);
  assert.deepEqual(
    results.map((result) => result["outcome"] ?? result["reason"]),
    ["added", "present"],
  );
  await session.end();
  assert.equal((await wholeLedger(gate.paths.ledger)).entries.length, 1);
});

test("what failed here and came by another connection is in the ledger once", async (context) => {
  const { gate, paths, message, session, bring } = await offered(context, { one: "1" });
  const other = new ImportSession({ files, clock, processes }, gate.config, gate.paths);
  const lost = await other.handle({ ...message(paths[0]!), bytes: null });
  assert.equal(lost["code"], "not-found");
  assert.equal((await bring(paths[0]!))["outcome"], "added");
  assert.deepEqual(await session.end(), []);
  assert.equal((await other.handle({ ...message(paths[0]!), bytes: null }))["outcome"], "present");
  assert.deepEqual(await other.end(), []);
  assert.equal((await wholeLedger(gate.paths.ledger)).entries.length, 1);
  assert.deepEqual(
    fs.readdirSync(gate.paths.ledger).filter((name) => name.endsWith(".wal")),
    [],
  );
});
