import assert from "node:assert/strict";
import { test } from "node:test";
import { NixsealError } from "../core/errors.ts";
import type { GateEvent } from "../gate/answer.ts";
import { processes } from "../system/processes.ts";
import { accepted, askGate, type GateConnection } from "./gate-client.ts";

/** A host whose gate is a program of ours that says these lines. */
function saying(script: string): GateConnection {
  return {
    host: "web1",
    start: () => processes.converse({ program: process.execPath, args: ["-e", script], timeout: 10_000 }),
    failure: (code, stderr) => new NixsealError("io", `exit ${code}: ${stderr.trim()}`),
  };
}

const status = { kind: "status" } as const;
const revert = { kind: "revert", fence: null } as const;
const say = (...lines: object[]): string =>
  lines.map((line) => `process.stdout.write(${JSON.stringify(`${JSON.stringify(line)}\n`)});`).join("");

test("events as they come, then the result", async () => {
  const events: GateEvent[] = [];
  const host = saying(
    `process.stdin.once("data", (line) => {
      ${say({ kind: "event", step: "closure", message: "2 paths\u001b[2J" }, { kind: "event", step: "confirm", message: "x", data: { nonce: "ab" } })}
      process.stdout.write(JSON.stringify({ kind: "result", ok: true, said: String(line) }) + "\\n"); process.exit() })`,
  );
  const result = await askGate(host, revert, (event) => events.push(event));
  assert.equal(accepted(result, "web1")["said"], '{"fence":null,"kind":"revert"}\n');
  assert.deepEqual(events, [
    { kind: "event", step: "closure", message: "2 paths?[2J" },
    { kind: "event", step: "confirm", message: "x", data: { nonce: "ab" } },
  ]);
});

test("a no carries the decision's code, its reason, the way out and the receipt", async () => {
  const no = {
    kind: "result",
    ok: false,
    code: "reverted",
    reason: "a check failed",
    hint: "look",
    receipt: "{}",
  };
  const answer = await askGate(saying(say(no)), status);
  assert.deepEqual(answer, no);
  assert.throws(() => accepted(answer, "web1"), {
    code: "partial",
    message: "a check failed [reverted]",
    hint: "look",
    where: { host: "web1" },
  });
});

test("a connection that ends early, a half line, nonsense, an endless line", async () => {
  await assert.rejects(askGate(saying("console.error('gone'); process.exit(7)"), status), {
    code: "io",
    message: "exit 7: gone",
  });
  await assert.rejects(askGate(saying('process.stdout.write("{\\"kind\\"")'), status), { code: "malformed" });
  for (const line of ["no json", "{}", '{"kind":"result"}', '{"kind":"event"}', '{"kind":"other"}'])
    await assert.rejects(
      askGate(saying(`console.log(${JSON.stringify(line)})`), status),
      { code: "malformed" },
      line,
    );
  await assert.rejects(
    askGate(saying('const more = () => process.stdout.write("x".repeat(1 << 16), more); more()'), status),
    { code: "limit" },
  );
});

test("an offer that the host does not even read is a failure of the host, not ours", async () => {
  const host = saying("process.exit(3)");
  const large = { ...host, start: () => host.start("offer") };
  await assert.rejects(askGate(large, status), { message: /exit 3/ });
});

test("a yes holds what is asked of it: nothing deep, no broken text, no field of another kind", async () => {
  const lines = [
    `{"kind":"result","ok":true,"x":${"[".repeat(50_000)}${"]".repeat(50_000)}}`, // JSON.stringify would overflow the stack
    String.raw`{"kind":"result","ok":true,"receipt":"\ud800"}`, // no log could hold it
    `{"kind":"result","ok":true,"receipt":"${"x".repeat(40_000)}"}`,
    '{"kind":"result","ok":true,"outcome":7}',
    String.raw`{"kind":"result","ok":false,"code":"x","reason":"y","receipt":"\ud800"}`,
  ];
  for (const line of lines)
    await assert.rejects(
      askGate(saying(`console.log(${JSON.stringify(line)})`), status),
      { code: "malformed" },
      line.slice(0, 80),
    );
});

test("a status says what it is asked for, or is none", async () => {
  const good = {
    kind: "result",
    ok: true,
    running: `/nix/store/${"0".repeat(32)}-nixos-system`,
    active: "ab".repeat(32),
    activation: null,
  };
  assert.deepEqual(await askGate(saying(say(good)), status), good);
  for (const lie of [
    { running: "/nix/store/\u001b[2J" },
    { running: undefined },
    { active: 7 },
    { active: "x" },
    { activation: undefined },
    { activation: "soon" },
  ])
    await assert.rejects(askGate(saying(say({ ...good, ...lie })), status), { code: "malformed" });
});

test("a text that is cut is cut between characters", async () => {
  const no = { kind: "result", ok: false, code: "busy", reason: `${"x".repeat(1999)}\u{1f512}`, hint: null };
  const answer = await askGate(saying(say(no)), status);
  assert.ok(!answer.ok && answer.reason.isWellFormed());
});
