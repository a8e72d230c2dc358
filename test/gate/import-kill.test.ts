/** kill -9 of either side of an upload, with real processes: what it leaves, and that the next one is as if nothing had been. */
import assert from "node:assert/strict";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { EventEmitter, once } from "node:events";
import * as fs from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test, type TestContext } from "node:test";
import { mostAhead } from "../../src/gate/message-limits.ts";
import { formatMessage } from "../../src/gate/message.ts";
import type { StorePath } from "../../src/nix/store-path.ts";
import { top } from "../console.ts";
import { wholeLedger } from "../support/ledger.ts";
import { ReceivingGate } from "../support/receiving-gate.ts";

const agent = join(top, "dist/src/program/agent.js");

function rootSide(context: TestContext, gate: ReceivingGate) {
  const args = [agent, "activate", "--root", gate.paths.root, "--here", "--json"];
  const env = gate.host.allEnvironment;
  const child = spawn(process.execPath, args, { env, timeout: 60_000 });
  context.after(() => child.kill("SIGKILL"));
  child.stdin.on("error", () => undefined);
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  return { child, said: () => said };
}

/** A message with its archive. */
function message(gate: ReceivingGate, path: StorePath): Buffer {
  const nar = gate.builder.run("nix-store", ["--dump", gate.builder.at(path)], "", []);
  return Buffer.concat([formatMessage({ kind: "import", bytes: nar.length, path, uploader: null }), nar]);
}

async function kill(child: ChildProcess): Promise<void> {
  const closed = once(child, "close");
  child.kill("SIGKILL");
  await closed;
}

const waiting = (gate: ReceivingGate): string[] =>
  fs.readdirSync(gate.paths.ledger).filter((name) => name.endsWith(".wal"));

/** Each path that the store has stands in the ledger once, and nothing else does. */
async function assertComplete(gate: ReceivingGate, what: string): Promise<StorePath[]> {
  const { entries, faults } = await wholeLedger(gate.paths.ledger);
  assert.deepEqual(faults, [], what);
  const valid = gate.host.text("nix", "path-info", "--all").split("\n").filter(Boolean);
  assert.deepEqual(entries.map(({ path }) => path).toSorted(), valid.toSorted(), what);
  return valid as StorePath[];
}

/** Content-addressed, since Nix adds those in one go. */
function addMany(gate: ReceivingGate, count: number): StorePath[] {
  const files = Array.from({ length: count }, (_, n) => gate.path(`leaf-${n}`));
  for (const file of files) fs.writeFileSync(file, file);
  return gate.builder.text("nix-store", "--add", ...files).split("\n") as StorePath[];
}

function ask(gate: ReceivingGate, ...words: string[]) {
  const args = [agent, ...words, "--root", gate.paths.root];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    encoding: "utf8",
    env: gate.host.allEnvironment,
    timeout: 60_000,
  });
  return { status, text: stdout + stderr };
}

test("the root side is killed while paths come in: the next one to come has each in the ledger once", async (context) => {
  const gate = await ReceivingGate.make(context);
  const leaves = addMany(gate, 30);
  const system = gate.builder.add("system", "system", leaves);
  const { digest } = await gate.offer(system);
  const messages = new Map([...leaves, system].map((path) => [path, message(gate, path)]));
  let answered = 0;
  for (const more of [1, 6, 13]) {
    const { child, said } = rootSide(context, gate);
    child.stdin.write(Buffer.concat([...messages.values()]));
    const upTo = answered + more;
    // Those that are there already are answered first, and some more had come in when it was killed.
    const lines = createInterface(child.stdout);
    let n = 0;
    for await (const line of lines) {
      assert.match(line, n < answered + mostAhead ? /"(?:present|added)"/ : /"added"/);
      if (++n === upTo) break;
    }
    assert.equal(n, upTo, said());
    await kill(child);
    answered = upTo;
    assert.equal(waiting(gate).length, 1);
    const ahead = fs.readFileSync(join(gate.paths.ledger, waiting(gate)[0]!), "utf8");
    assert.match(ahead, /^\{"begun":.*"event":"added"[^]*\n\{"entry":/);
    // It imports nothing itself.
    const told = gate.tellBytes(messages.get(leaves[0]!)!);
    assert.match(told.stdout, /"present"/);
    assert.deepEqual(waiting(gate), []);
    const valid = await assertComplete(gate, `killed after ${upTo}`);
    for (const path of leaves.slice(0, answered)) assert.ok(valid.includes(path), `${path} was answered`);
  }

  // As if it had been killed after Nix took a path and before that was written down, and another time before Nix took one.
  const [there, not] = [leaves[28]!, leaves[29]!];
  gate.host.write(there, "planted");
  gate.host.register(there, []);
  const { child } = rootSide(context, gate);
  child.stdin.write(messages.get(there)!);
  const [answer] = (await once(child.stdout, "data")) as [Buffer];
  assert.match(answer.toString(), /"repaired"/);
  await kill(child);
  const file = join(gate.paths.ledger, waiting(gate)[0]!);
  const [begun] = fs.readFileSync(file, "utf8").split("\n");
  assert.match(begun!, /^\{"begun":.*"event":"repaired"/);
  // The last is there with other content.
  const lines = [begun!, begun!.replace(there, not), begun!.replace(there, leaves[0]!)];
  fs.writeFileSync(file, lines.map((line) => `${line}\n`).join(""));
  assert.deepEqual(ask(gate, "ledger", "show", leaves[0]!).text.match(/^note: .*/gm), [
    `note: ${file}:1: these entries are not in the ledger yet`,
  ]);
  const tainted = ask(gate, "taint", "nobody");
  assert.match(tainted.text, /warning: .*these entries are not in the ledger yet/);
  assert.equal(tainted.status, 1);
  assert.match(ask(gate, "status").text, /^ledger .* wait to be taken in/m);

  // An activation takes them in too, whatever becomes of it.
  const order = { warrant: digest, action: "switch", rehash: false, fence: null, log: null } as const;
  const activated = gate.tell({ kind: "activate", ...order });
  assert.match(activated.stdout, /"code":"closure"/);
  const valid = await assertComplete(gate, "in doubt");
  assert.ok(valid.includes(there) && !valid.includes(not));

  gate.tellBytes(Buffer.concat([...messages.values()]));
  assert.equal((await assertComplete(gate, "all")).length, 31);
});

/** A gate behind a socket as systemd has it, that passes on so many bytes of a connection and then waits until one side is killed. */
async function halfway(context: TestContext, gate: ReceivingGate, most: number) {
  const passing = new EventEmitter();
  const reached = once(passing, "reached") as Promise<[ReturnType<typeof rootSide>]>;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const root = rootSide(context, gate);
    const { stdin, stdout } = root.child;
    let passed = 0;
    socket.on("error", () => undefined);
    socket.on("data", (bytes: Buffer) => {
      const part = bytes.subarray(0, most - passed);
      passed += part.length;
      stdin.write(part, () => {
        if (passed === most) passing.emit("reached", root);
      });
    });
    socket.on("close", () => stdin.end()).on("end", () => stdin.end());
    stdout.pipe(socket, { end: false });
    root.child.on("close", () => socket.destroy());
  });
  const place = join(gate.paths.root, "run/nixseal-gate.sock");
  await once(server.listen(place), "listening");
  context.after(() => server.close());
  const close = async (): Promise<void> => {
    const closed = once(server, "close");
    server.close();
    await closed;
  };
  return { reached, close };
}

/** The receiver of this gate, which sshd started. */
function receiverOf(gate: ReceivingGate): number {
  const found = fs.readdirSync("/proc").filter((name) => {
    if (!/^[0-9]+$/.test(name)) return false;
    try {
      const words = fs.readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0");
      return words[1] === agent && words[2] === "receive" && words.includes(gate.paths.root);
    } catch {
      return false; // it has ended meanwhile
    }
  });
  assert.equal(found.length, 1, found.join());
  return Number(found[0]);
}

for (const side of ["receiver", "root side"] as const)
  test(`the ${side} is killed within an archive that comes with its message: nothing half, and the next upload is whole`, async (context) => {
    const gate = await ReceivingGate.make(context);
    await gate.listen(context);
    const size = 3 << 20;
    const path = gate.builder.addFile("large", size, "start");
    await gate.offer(path);
    const copy = () => gate.builder.runAside("nix", "copy", "--to", `ssh-ng://${gate.address}`, path);
    const half = await halfway(context, gate, size >> 1);
    const copied = copy().then(
      () => "it did not fail",
      (error: { readonly stderr: string }) => error.stderr,
    );
    const [root] = await half.reached;
    if (side === "receiver") {
      const ended = once(root.child, "close");
      process.kill(receiverOf(gate), "SIGKILL");
      const [code] = (await ended) as [number | null];
      assert.notEqual(code, null, "it ends by itself");
      assert.match(root.said(), /the connection ends [0-9]+ bytes before the archive does/);
      assert.notEqual(await copied, "it did not fail");
    } else {
      await kill(root.child);
      assert.match(
        await copied,
        /large was received and not imported: the root side of the gate gave no answer/,
      );
    }
    await half.close();
    assert.ok(!gate.host.has(path));
    gate.host.run("nix-store", ["--verify", "--check-contents"]);
    assert.deepEqual(
      fs.existsSync(gate.paths.copies) ? fs.readdirSync(gate.paths.copies) : [],
      [],
      "copies of root's own",
    );

    const { stderr } = await copy();
    assert.ok(gate.host.has(path), stderr);
    gate.host.run("nix-store", ["--verify-path", path]);
    assert.deepEqual(await assertComplete(gate, "all"), [path]);
    const archives = fs.readdirSync(gate.paths.quarantine).filter((name) => /nar/.test(name));
    assert.deepEqual(archives, []);
  });
