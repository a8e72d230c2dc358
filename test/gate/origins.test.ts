/** Where paths are from that no warrant names: what the ledger says of them, and what an attacker has it say. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { ImportSession, type ImportPorts } from "../../src/gate/import/session.ts";
import { openStoreAccess } from "../../src/gate/store-access.ts";
import type { PathInfo } from "../../src/nix/path-info.ts";
import { defaultStoreDirectory as storeDirectory, type StorePath } from "../../src/nix/store-path.ts";
import { parsePublicKeyLine } from "../../src/ssh/public-key-line.ts";
import { clock } from "../../src/system/clock.ts";
import { files } from "../../src/system/files.ts";
import { processes } from "../../src/system/processes.ts";
import { top } from "../console.ts";
import { ChrootStore, plainPath } from "../support/chroot-store.ts";
import { wholeLedger } from "../support/ledger.ts";
import { inPieces } from "../support/pieces.ts";
import { ReceivingGate } from "../support/receiving-gate.ts";

/** A gate that takes what `cache-1` signed, and the cache's secret key in a file. */
async function gateWithCache(context: TestContext, config: object = {}) {
  const { builder } = await ReceivingGate.make(context);
  const file = join(builder.directory, "cache-1.secret");
  builder.run("nix-store", ["--generate-binary-cache-key", "cache-1", file, `${file}.pub`], "", []);
  const upstream = [fs.readFileSync(`${file}.pub`, "utf8").trim()];
  return { gate: await ReceivingGate.make(context, { upstream, ...config }), file };
}

function ask(gate: ReceivingGate, ...words: string[]): string {
  const args = [join(top, "dist/src/program/agent.js"), ...words, "--root", gate.paths.root];
  const env = gate.host.allEnvironment;
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", env, timeout: 60_000 });
  return stdout + stderr;
}

const source = (gate: ReceivingGate, name: string): StorePath => {
  fs.writeFileSync(gate.path(name), `content of ${name}`);
  return gate.builder.text("nix-store", "--add", gate.path(name)) as StorePath;
};

/** Past the gate, as any user of the host: Nix takes the sender's word for when the path came. */
async function give(
  to: ChrootStore,
  from: ChrootStore,
  path: StorePath,
  claims: Partial<PathInfo> = {},
): Promise<StorePath> {
  const nar = from.run("nix-store", ["--dump", from.at(path)], "", []);
  const info = { ...from.info(path), registrationTime: null, ...claims };
  const access = await openStoreAccess({ processes, clock }, { store: to.directory }, { storeDirectory });
  await access.client.addToStoreNar({ info, nar: inPieces(nar) });
  access.close();
  return path;
}

for (const mode of ["warrants", "certificates"] as const)
  test(`${mode}: what came by a cache's signature or by its content is in the ledger, with who sent it`, async (context) => {
    const { gate, file } = await gateWithCache(context, { mode });
    await gate.listen(context);
    const { builder, host, address } = gate;
    const glibc = builder.add("glibc", "glibc");
    const bash = builder.add("bash", { "bin/bash": "bash" }, [glibc]);
    const data = source(gate, "data");
    // Long since in the store of whoever sends it, which stock clients tell Nix.
    const old = { registrationTime: 1_500_000_000 };
    const aside = new ChrootStore(gate.path("aside"));
    await give(aside, builder, data);
    builder.run("nix-store", ["--delete", data]);
    await give(builder, aside, data, old);
    assert.equal(builder.info(data).registrationTime, old.registrationTime);
    for (const path of [glibc, bash]) builder.run("nix", ["store", "sign", "-k", file, path]);
    for (const [who, scheme] of [
      ["alice", "ssh"],
      ["bob", "ssh-ng"],
    ] as const) {
      gate.use(who);
      const { stderr } = await builder.runAside("nix", "copy", "--to", `${scheme}://${address}`, bash, data);
      assert.doesNotMatch(stderr, /ledger/);
      const key = parsePublicKeyLine(fs.readFileSync(gate.path(`login-${who}.pub`), "utf8")).key.fingerprint;
      for (const path of [glibc, bash]) {
        assert.ok(host.has(path));
        assert.ok(
          ask(gate, "ledger", "show", path).includes(
            `added: upstream, signed by cache-1, sent by ${who} (${key})`,
          ),
        );
      }
      assert.ok(ask(gate, "ledger", "show", data).includes(`added: by its content, sent by ${who} (${key})`));
      for (const subject of [key, who]) {
        const tainted = ask(gate, "taint", subject);
        assert.match(tainted, /brought 3 paths/, tainted);
        for (const path of [glibc, bash, data]) assert.ok(tainted.includes(path), tainted);
      }
      host.run("nix-store", ["--delete", "--ignore-liveness", bash, glibc, data]);
    }
    assert.match(ask(gate, "taint", "cache-1"), /cache-1 brought 2 paths/);
    const { entries, faults } = await wholeLedger(gate.paths.ledger);
    assert.deepEqual([entries.length, faults], [6, []], "each path once for each upload");
  });

test("what cannot be written to the ledger is in the store all the same, and that is said", async (context) => {
  const { gate } = await gateWithCache(context);
  await gate.listen(context);
  const paths = [source(gate, "one"), source(gate, "two")];
  fs.mkdirSync(gate.paths.state, { recursive: true });
  fs.writeFileSync(gate.paths.ledger, "no directory");
  const { stderr } = await gate.builder.runAside("nix", "copy", "--to", `ssh://${gate.address}`, ...paths);
  assert.equal(
    stderr.match(/is in the store, but the ledger does not say where it is from: /g)?.length,
    1,
    stderr,
  );
  for (const path of paths) assert.ok(gate.host.has(path));
});

test("an attacker's words about paths that are old, unsigned, to come or repeated leave nothing, or one true line", async (context) => {
  const { gate, file } = await gateWithCache(context);
  const { builder, host } = gate;
  process.env["NIX_CONF_DIR"] = join(gate.paths.root, "etc/nix"); // what Nix is told by the environment is that of the host
  const plant = (path: StorePath, claims?: Partial<PathInfo>) => give(host, builder, path, claims);
  const now = Math.floor(Date.now() / 1000);
  const fromCache = builder.add("from-cache", "from-cache");
  builder.run("nix", ["store", "sign", "-k", file, fromCache]);
  const old = await plant(source(gate, "old"), { registrationTime: now - 3600 });
  const coming = await plant(source(gate, "coming"), { registrationTime: now + 3600 });
  const good = await plant(source(gate, "good"));
  await plant(fromCache, { deriver: plainPath("no.drv") });
  const unsigned = host.add("unsigned", "unsigned");
  const absent = builder.add("absent", "absent");
  const uploader = { member: "mallory", key: `SHA256:${"m".repeat(43)}` };
  const entries = async () => (await wholeLedger(gate.paths.ledger)).entries;
  let started = 0;
  const counted: ImportPorts["processes"] = {
    pid: processes.pid,
    converse: (command) => {
      started++;
      return processes.converse(command);
    },
  };
  const session = new ImportSession({ files, clock, processes: counted }, gate.config, gate.paths);
  const say = async (path: StorePath) => {
    const answer = await session.handle({ kind: "witness", path, uploader });
    return answer.ok ? answer["outcome"] : answer.code;
  };
  for (const path of [old, coming, absent]) assert.equal(await say(path), "not-new");
  assert.equal(await say(unsigned), "origin");
  for (const path of [old, unsigned]) assert.equal(await say(path), "not-new", "asked about before");
  const outcomes = [await say(good), await say(good), await say(fromCache), await say(good)];
  assert.deepEqual(outcomes, ["recorded", "present", "recorded", "present"]);
  await session.end();
  assert.equal(started, 1, "root starts no program for a refusal");
  const lines = await entries();
  assert.deepEqual(
    lines.map(({ path, origin, deriver }) => [path, origin.kind, deriver]),
    [
      [good, "content-address", null],
      [fromCache, "upstream", null],
    ],
  );
  // Of the signature's words alone: what else the sender claims of the path is not written down.
  const { narHash, narSize } = builder.info(fromCache);
  assert.deepEqual([lines[1]!.narHash, lines[1]!.narSize], [narHash, narSize]);

  // A connection of its own, through the program.
  assert.match(gate.tell({ kind: "witness", path: old, uploader }).stdout, /"code":"not-new"/);
  assert.match(
    gate.tell({ kind: "witness", path: unsigned, uploader }).stdout,
    /"code":"(?:origin|not-new)"/,
  );
  assert.equal((await entries()).length, 2);
});

test("a path of a warrant is in the ledger once, by whatever it came and however often it is asked for", async (context) => {
  const { gate, file } = await gateWithCache(context);
  const { builder } = gate;
  process.env["NIX_CONF_DIR"] = join(gate.paths.root, "etc/nix");
  const bash = builder.add("bash", "bash");
  builder.run("nix", ["store", "sign", "-k", file, bash]);
  const data = source(gate, "data");
  await gate.offer(builder.add("system", "system", [bash, data]));
  await give(gate.host, builder, bash);
  const session = new ImportSession({ files, clock, processes }, gate.config, gate.paths);
  for (let n = 0; n < 3; n++)
    await session.handle({ kind: "import", bytes: null, path: bash, uploader: null });
  const nar = builder.run("nix-store", ["--dump", builder.at(data)], "", []);
  await session.handle({ kind: "import", bytes: nar.length, path: data, uploader: null }, inPieces(nar));
  for (const path of [bash, data]) await session.handle({ kind: "witness", path, uploader: null });
  await session.end();
  const { entries } = await wholeLedger(gate.paths.ledger);
  assert.deepEqual(
    entries.map(({ origin }) => origin.kind),
    ["upstream", "warrant"],
  );
});
