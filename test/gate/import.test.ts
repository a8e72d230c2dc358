import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { formatMessage } from "../../src/gate/message.ts";
import { largestEnclosed } from "../../src/gate/message-limits.ts";
import { ImportSession } from "../../src/gate/import/session.ts";
import { writePending } from "../../src/gate/pending.ts";
import { readKnowledge, writeKnowledge } from "../../src/gate/state.ts";
import { narName } from "../../src/gate/quarantine/names.ts";
import type { StorePath } from "../../src/nix/store-path.ts";
import { clock } from "../../src/system/clock.ts";
import { files } from "../../src/system/files.ts";
import { processes } from "../../src/system/processes.ts";
import { inPieces } from "../support/pieces.ts";
import { ReceivingGate } from "../support/receiving-gate.ts";

/** The root side alone, with a deploy user who does what they like in the quarantine. */
async function offered(
  context: Parameters<typeof ReceivingGate.make>[0],
  content = "#!/bin/sh good",
): Promise<{ gate: ReceivingGate; sudo: StorePath; nar: Buffer; place: string; session: ImportSession }> {
  const gate = await ReceivingGate.make(context);
  const sudo = gate.builder.add("sudo", content);
  await gate.offer(sudo);
  const nar = gate.builder.run("nix-store", ["--dump", gate.builder.at(sudo)], "", []);
  const place = join(gate.paths.quarantine, narName(gate.builder.info(sudo).narHash));
  // What Nix is told by the environment is that of the host.
  process.env["NIX_CONF_DIR"] = join(gate.paths.root, "etc/nix");
  const session = new ImportSession({ files, clock, processes }, gate.config, gate.paths);
  return { gate, sudo, nar, place, session };
}

const flipped = (bytes: Buffer): Buffer => {
  const other = Buffer.from(bytes);
  other[other.indexOf("good")]! ^= 1;
  return other;
};

test("root follows no symlink, waits for no pipe, and reads nothing that is not a file of the quarantine", async (context) => {
  const { gate, sudo, nar, place, session } = await offered(context);
  fs.writeFileSync(gate.path("elsewhere"), nar);
  const tricks: Readonly<Record<string, () => void>> = {
    nothing: () => undefined,
    symlink: () => fs.symlinkSync(gate.path("elsewhere"), place),
    "relative symlink": () => fs.symlinkSync("../../../../../../elsewhere", place),
    pipe: () => execFileSync("mkfifo", [place]),
    directory: () => fs.mkdirSync(place),
  };
  for (const [what, prepare] of Object.entries(tricks)) {
    fs.rmSync(place, { recursive: true, force: true });
    prepare();
    const result = await session.handle({ kind: "import", bytes: null, path: sudo, uploader: null });
    assert.equal(result.ok, false, what);
    assert.ok(!gate.host.has(sudo), what);
  }
  // The whole directory in another place, where root would have written too.
  fs.rmSync(gate.paths.quarantine, { recursive: true });
  fs.mkdirSync(gate.path("fake"));
  fs.writeFileSync(gate.path("fake", narName(gate.builder.info(sudo).narHash)), nar);
  fs.symlinkSync(gate.path("fake"), gate.paths.quarantine);
  assert.equal((await session.handle({ kind: "import", bytes: null, path: sudo, uploader: null })).ok, false);
  assert.ok(!gate.host.has(sudo));
  fs.rmSync(gate.paths.quarantine);
  fs.mkdirSync(gate.paths.quarantine);
  fs.writeFileSync(place, nar);
  assert.deepEqual(await session.handle({ kind: "import", bytes: null, path: sudo, uploader: null }), {
    kind: "result",
    ok: true,
    outcome: "added",
  });
  assert.deepEqual(await session.handle({ kind: "import", bytes: null, path: sudo, uploader: null }), {
    kind: "result",
    ok: true,
    outcome: "present",
  });
  await session.end();
});

test("bytes that are not those of the warrant do not come in, whatever they replace", async (context) => {
  const { gate, sudo, nar, place, session } = await offered(context);
  const wrong: Readonly<Record<string, Buffer>> = {
    "a changed byte": flipped(nar),
    "cut off": nar.subarray(0, -8),
    "too long": Buffer.concat([nar, Buffer.alloc(8)]),
    empty: Buffer.alloc(0),
    "no archive": Buffer.alloc(nar.length, "x"),
  };
  const attempt = async (what: string, bytes: Buffer): Promise<void> => {
    fs.writeFileSync(place, bytes);
    const result = await session.handle({ kind: "import", bytes: null, path: sudo, uploader: null });
    assert.equal(result.ok, false, what);
  };
  for (const [what, bytes] of Object.entries(wrong)) {
    await attempt(what, bytes);
    assert.ok(!gate.host.has(sudo), what);
  }
  // Valid with other content, and perhaps in use: Nix would throw it away before it has seen the last byte of the new one.
  gate.host.add("sudo", "in use");
  for (const [what, bytes] of Object.entries(wrong)) {
    await attempt(what, bytes);
    assert.equal(fs.readFileSync(gate.host.at(sudo), "utf8"), "in use", what);
    gate.host.run("nix-store", ["--verify-path", sudo]);
  }
  assert.deepEqual(fs.readdirSync(gate.paths.copies), []);
  fs.writeFileSync(place, nar);
  assert.deepEqual(await session.handle({ kind: "import", bytes: null, path: sudo, uploader: null }), {
    kind: "result",
    ok: true,
    outcome: "repaired",
  });
  assert.equal(fs.readFileSync(gate.host.at(sudo), "utf8"), "#!/bin/sh good");
  await session.end();
});

test("an archive that comes with its message: the signed bytes or none, and the connection goes on", async (context) => {
  const { gate, sudo, nar, session } = await offered(context, `good${"x".repeat(300_000)}`);
  const message = (bytes: number, archive: Buffer): Buffer =>
    Buffer.concat([formatMessage({ kind: "import", bytes, path: sudo, uploader: null }), archive]);
  const other = flipped(nar);
  const short = nar.subarray(0, -8);
  const long = Buffer.concat([nar, Buffer.alloc(8)]);
  const outcomes = (...messages: Buffer[]): (string | undefined)[] => {
    const { stdout } = gate.tellBytes(Buffer.concat(messages));
    return stdout.match(/"(?:outcome|code)":"[^"]*"/g)?.map((one) => one.split('"')[3]) ?? [];
  };
  const size = nar.length;
  const wrong = [message(size, other), message(size - 8, short), message(size + 8, long)];
  assert.deepEqual(outcomes(...wrong), ["refused", "size", "size"]);
  assert.deepEqual(outcomes(message(size, short)), ["malformed", "malformed"], "the end within the archive");
  assert.deepEqual(outcomes(message(largestEnclosed + 1, nar)), ["limit"]);
  assert.ok(!gate.host.has(sudo));
  // Nix would throw away what is valid before it has seen the last byte.
  gate.host.add("sudo", "in use");
  assert.deepEqual(outcomes(...wrong), ["malformed", "size", "size"]);
  assert.equal(fs.readFileSync(gate.host.at(sudo), "utf8"), "in use");
  assert.deepEqual(fs.readdirSync(gate.paths.copies), []);
  const all = [...wrong, message(size, nar), message(size, other), message(size, nar)];
  assert.deepEqual(outcomes(...all), ["malformed", "size", "size", "repaired", "present", "present"]);
  gate.host.run("nix-store", ["--verify-path", sudo]);
  await session.end();
});

test("what came stays although the garbage is collected: while the connection lasts, and after it for the warrant", async (context) => {
  const gate = await ReceivingGate.make(context);
  const [one, two] = ["one", "two"].map((name) => gate.builder.add(name, name)) as [StorePath, StorePath];
  const system = gate.builder.add("system", `${one} ${two}`, [one, two]);
  const { digest } = await gate.offer(system);
  process.env["NIX_CONF_DIR"] = join(gate.paths.root, "etc/nix");
  const links = () => fs.readdirSync(join(gate.paths.gcroots, "incoming", digest));
  const bring = async (...paths: StorePath[]): Promise<void> => {
    const session = new ImportSession({ files, clock, processes }, gate.config, gate.paths);
    for (const path of paths) {
      const nar = gate.builder.run("nix-store", ["--dump", gate.builder.at(path)], "", []);
      const result = await session.handle(
        { kind: "import", bytes: nar.length, path, uploader: null },
        inPieces(nar),
      );
      assert.deepEqual(result, { kind: "result", ok: true, outcome: "added" });
      gate.host.run("nix-store", ["--gc"]);
    }
    assert.deepEqual(await session.end(), []);
    gate.host.run("nix-store", ["--gc"]);
  };
  await bring(one);
  assert.deepEqual(links(), [one.slice(11)]);
  await bring(two);
  await bring(system);
  for (const path of [one, two, system]) assert.ok(gate.host.has(path));
  assert.deepEqual(links().toSorted(), [one, two, system].map((path) => path.slice(11)).toSorted());
  // All at once: the system refers to the others.
  fs.rmSync(join(gate.paths.gcroots, "incoming", digest), { recursive: true });
  gate.host.run("nix-store", ["--gc"]);
  assert.ok(!gate.host.has(one));
  await bring(one, two, system);
  assert.deepEqual(links(), [system.slice(11)]);
  // Nobody can be told twice: the answers are given already.
  fs.rmSync(join(gate.paths.gcroots, "incoming", digest), { recursive: true });
  gate.host.run("nix-store", ["--gc"]);
  fs.writeFileSync(join(gate.paths.gcroots, "incoming", digest), "");
  const session = new ImportSession({ files, clock, processes }, gate.config, gate.paths);
  const nar = gate.builder.run("nix-store", ["--dump", gate.builder.at(one)], "", []);
  const message = { kind: "import", bytes: nar.length, path: one, uploader: null } as const;
  assert.equal((await session.handle(message, inPieces(nar))).ok, true);
  assert.match((await session.end()).join(), /^what came may be collected before it is activated: /);
});

test("an archive that changes while root reads it: the signed content or none", async (context) => {
  const { gate, sudo, nar, place, session } = await offered(context, `good${"x".repeat(2 << 20)}`);
  const other = flipped(nar);
  for (const planted of [false, true])
    for (let round = 0; round < 3; round++) {
      gate.host.try("nix-store", ["--delete", sudo]);
      fs.rmSync(join(gate.paths.gcroots, "incoming"), { recursive: true, force: true });
      gate.host.try("nix-store", ["--delete", sudo]);
      if (planted) gate.host.add("sudo", "in use");
      fs.writeFileSync(place, nar);
      const until = new AbortController();
      const importing = session
        .handle({ kind: "import", bytes: null, path: sudo, uploader: null })
        .finally(() => until.abort());
      for (let n = 0; !until.signal.aborted; n++) {
        fs.writeFileSync(place, n % 2 === 0 ? other : nar, { flag: "r+" });
        await new Promise((resolve) => setImmediate(resolve));
      }
      const { ok } = await importing;
      if (ok) assert.ok(fs.readFileSync(gate.host.at(sudo), "utf8").startsWith("goodx"));
      else if (planted) assert.equal(fs.readFileSync(gate.host.at(sudo), "utf8"), "in use");
      else assert.ok(!gate.host.has(sudo));
    }
  await session.end();
});

test("to replace a path root reads the archive once, and what it has proved is what it uses", async (context) => {
  const { gate, sudo, nar, place } = await offered(context);
  fs.writeFileSync(place, nar);
  gate.host.add("sudo", "in use");
  let reads = 0;
  // Right for whoever looks first, wrong for whoever comes back.
  const streamInside = (directory: string, name: string) =>
    reads++ === 0 ? files.streamInside(directory, name) : inPieces(flipped(nar));
  const ports = { files: { ...files, streamInside }, clock, processes };
  const session = new ImportSession(ports, gate.config, gate.paths);
  const result = await session.handle({ kind: "import", bytes: null, path: sudo, uploader: null });
  assert.deepEqual(result, { kind: "result", ok: true, outcome: "repaired" });
  assert.equal(fs.readFileSync(gate.host.at(sudo), "utf8"), "#!/bin/sh good");
  await session.end();
});

test("messages overlap: each answer in its turn, whatever becomes of the others", async (context) => {
  const gate = await ReceivingGate.make(context);
  const paths = Array.from({ length: 20 }, (_, n) =>
    gate.builder.add(`p-${n}`, `good ${n} ${"x".repeat(n * 9000)}`),
  );
  await gate.offer(gate.builder.add("system", paths.join(" "), paths));
  const archives = paths.map((path) =>
    gate.builder.run("nix-store", ["--dump", gate.builder.at(path)], "", []),
  );
  const message = (n: number, archive = archives[n]!): Buffer =>
    Buffer.concat([
      formatMessage({ kind: "import", bytes: archive.length, path: paths[n]!, uploader: null }),
      archive,
    ]);
  // What nobody offered is refused before Nix has answered for those ahead of it.
  const unnamed = formatMessage({
    kind: "import",
    bytes: null,
    path: gate.builder.add("unnamed", "unnamed"),
    uploader: null,
  });
  const all = paths.flatMap((_, n) => [
    n % 5 === 4 ? message(n, flipped(archives[n]!)) : message(n),
    ...(n % 5 === 2 ? [unnamed] : []),
  ]);
  const { stdout } = gate.tellBytes(Buffer.concat([...all, message(4), message(3)]));
  const answers = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const expected = paths.flatMap((path, n) => [
    n % 5 === 4 ? path : "added",
    ...(n % 5 === 2 ? ["not-offered"] : []),
  ]);
  assert.deepEqual(
    answers.map(
      ({ outcome, code, reason }) =>
        outcome ?? /hash mismatch importing path '\s*(\S+)/.exec(String(reason))?.[1] ?? code,
    ),
    [...expected, "added", "present"],
  );
  for (const [n, path] of paths.entries()) assert.equal(gate.host.has(path), n % 5 !== 4 || n === 4);
});

test("only what an offered warrant names now, on a connection for nothing else", async (context) => {
  const { gate, sudo, nar, place, session } = await offered(context);
  fs.writeFileSync(place, nar);
  const other = gate.builder.add("other", "other");
  const unnamed = await session.handle({ kind: "import", bytes: null, path: other, uploader: null });
  assert.ok(!unnamed.ok && unnamed.code === "not-offered");
  const lines = gate.tell({ kind: "import", bytes: null, path: sudo, uploader: null });
  assert.equal(lines.status, 0, lines.stderr);
  assert.match(lines.stdout, /"outcome":"added"/);

  await session.end();

  // As if one of the two who signed had been revoked since it was offered.
  const few = gate.builder.add("few", "few");
  const { payload, signatures, ...rest } = await gate.warrant(few);
  const envelope = { payload, signatures: signatures.slice(0, 1), ...rest };
  await writePending(files, gate.paths, envelope, []);
  fs.writeFileSync(
    join(gate.paths.quarantine, narName(gate.builder.info(few).narHash)),
    gate.builder.run("nix-store", ["--dump", gate.builder.at(few)], "", []),
  );
  const fewer = new ImportSession({ files, clock, processes }, gate.config, gate.paths);
  const threshold = await fewer.handle({ kind: "import", bytes: null, path: few, uploader: null });
  assert.ok(!threshold.ok && threshold.code === "threshold", JSON.stringify(threshold));
  assert.ok(!gate.host.has(few));
  await fewer.end();

  // A connection that is kept open goes by what holds at each message.
  let now = Date.now();
  const open = { ...clock, now: () => new Date(now) };
  const kept = new ImportSession({ files, clock: open, processes }, gate.config, gate.paths);
  const ask = async () => {
    const answer = await kept.handle({ kind: "import", bytes: null, path: sudo, uploader: null });
    return answer.ok ? answer["outcome"] : answer.code;
  };
  assert.equal(await ask(), "present");
  const { trust, accepted } = await readKnowledge(files, gate.paths, gate.config);
  await writeKnowledge(files, gate.paths, { trust, accepted: { ...accepted, newest: new Date(now) } });
  assert.equal(await ask(), "not-offered", "passed over meanwhile");
  await writeKnowledge(files, gate.paths, { trust, accepted });
  assert.equal(await ask(), "present");
  now += 2 * 3600_000;
  assert.equal(await ask(), "not-offered", "it has ended meanwhile");
  await kept.end();

  const late = { ...clock, now: () => new Date(Date.now() + 2 * 3600_000) };
  const later = new ImportSession({ files, clock: late, processes }, gate.config, gate.paths);
  const expired = await later.handle({ kind: "import", bytes: null, path: sudo, uploader: null });
  assert.ok(!expired.ok && expired.code === "not-offered", "a warrant that has run out names nothing");
  await later.end();
});
