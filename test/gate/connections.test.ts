import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { slotLimits } from "../../src/gate/receive/slots.ts";
import { parsePublicKeyLine } from "../../src/ssh/public-key-line.ts";
import { top } from "../console.ts";
import { ReceivingGate } from "../support/receiving-gate.ts";

const agent = join(top, "dist/src/program/agent.js");
const hello = Buffer.alloc(16);
hello.writeBigUInt64LE(0x390c9debn);
hello.writeBigUInt64LE(0x207n, 8);

/** A connection as sshd makes it, of the key: `answered` is true when the gate spoke, and false when it ended. */
function connect(
  context: TestContext,
  gate: ReceivingGate,
  key: string,
  command = "nix-store --serve --write",
) {
  const auth = gate.path(`auth-${key}`);
  if (!fs.existsSync(auth)) {
    if (!fs.existsSync(gate.path(key))) gate.makeKey(key);
    const { key: parsed } = parsePublicKeyLine(fs.readFileSync(gate.path(`${key}.pub`), "utf8"));
    fs.writeFileSync(auth, `publickey ${parsed.type} ${Buffer.from(parsed.blob).toString("base64")}\n`);
  }
  const env = { ...gate.host.allEnvironment, SSH_USER_AUTH: auth, SSH_ORIGINAL_COMMAND: command };
  const child = spawn(process.execPath, [agent, "receive", "--root", gate.paths.root], {
    env,
    timeout: 60_000,
  });
  context.after(() => child.kill("SIGKILL"));
  child.stdin.on("error", () => undefined).write(hello);
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const ended = once(child, "close").then(() => false);
  const answered = Promise.race([once(child.stdout, "data").then(() => true), ended]);
  return { child, answered, ended, said: () => stderr };
}

test("many connections that say nothing: so many a key, the others are told and ended", async (context) => {
  const gate = await ReceivingGate.make(context);
  const { perKey } = slotLimits.upload;
  const many = Array.from({ length: 3 * perKey }, () => connect(context, gate, "one"));
  const answered = await Promise.all(many.map((one) => one.answered));
  assert.equal(answered.filter(Boolean).length, perKey);
  for (const [n, one] of many.entries())
    if (!answered[n]) assert.match(one.said(), /4 connections of this key are under way\n {2}hint: wait/);

  // Another key has places of its own, and an order is not kept waiting by uploads.
  assert.ok(await connect(context, gate, "two").answered);
  const order = connect(context, gate, "one", "cat /proc/sys/kernel/hostname");
  assert.ok(await order.answered);

  // The place of a killed one is free.
  const held = many.find((_, n) => answered[n])!;
  held.child.kill("SIGKILL");
  await held.ended;
  assert.ok(await connect(context, gate, "one").answered);
});

test("without a shell, without a gate, and with what no stock client says", async (context) => {
  const gate = await ReceivingGate.make(context);
  const refused: readonly (readonly [string, RegExp])[] = [
    ["", /has no shell/],
    ["bash", /not one that the deploy user may give/],
    ["nixseal-gate import", /takes one word, or none/],
    ["nixseal-gate offer; id", /takes one word, or none/],
    ["scp -t /etc", /not one that the deploy user may give/],
  ];
  for (const [command, expected] of refused) {
    const { answered, said } = connect(context, gate, "one", command);
    assert.equal(await answered, false, command);
    assert.match(said(), expected);
  }
  const order = connect(context, gate, "one", "nixseal-gate activate");
  order.child.stdin.end('{"kind":"status"}\n');
  assert.equal(await order.answered, false);
  assert.match(order.said(), /malformed|not canonical|a message of kind 'status'|nixseal-agent:/);
  fs.rmSync(join(gate.paths.root, "etc/nixseal/gate.json"));
  const none = connect(context, gate, "one");
  assert.equal(await none.answered, false);
  assert.match(none.said(), /gate\.json: no such file/);
});
