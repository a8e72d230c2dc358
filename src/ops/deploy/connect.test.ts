import assert from "node:assert/strict";
import { test } from "node:test";
import type { Command } from "../../core/ports.ts";
import type { SshFleet } from "../../deploy/ssh.ts";
import { fleetOf } from "../../../test/support/fleets.ts";
import { gateOf } from "./connect.ts";

/** A connection to a host whose commands nobody runs. */
async function gateWith(converse: (command: Command) => never) {
  const processes = { converse } as unknown as Parameters<typeof gateOf>[0]["processes"];
  const ssh = {
    command: (_host, args) => ({ program: "ssh", args }),
  } as Partial<SshFleet> as SshFleet;
  const fleet = await fleetOf('[hosts.web]\naddress = "192.0.2.1"\n');
  return gateOf({ processes }, ssh, [...fleet.hosts.values()][0]!, "shared");
}

test("a host that is asked how it stands, while others wait, has two minutes for it in all", async () => {
  const asked: Command[] = [];
  const gate = await gateWith((command) => {
    asked.push(command);
    throw new Error("enough");
  });
  for (const kind of ["status", "activate"] as const) assert.throws(() => gate.start(kind), /enough/);
  const [status, activate] = asked;
  assert.ok(status!.timeout! <= 60_000 && status!.lifetime! <= 120_000);
  assert.ok(activate!.timeout! >= 30 * 60_000 && activate!.lifetime! <= 6 * 3600_000);
});

test("what a gate says before it ends is told with its own way out, and anything else with ours", async () => {
  const gate = await gateWith(() => assert.fail());
  const full = gate.failure(2, "nixseal-agent: 4 connections of this key are under way\n  hint: wait\n");
  assert.match(full.message, /\(exit 2\): nixseal-agent: 4 connections of this key are under way$/);
  assert.equal(full.hint, "wait");
  for (const [said, message] of [
    ["", /\(exit 127\)$/],
    ["sh: not found\n", /: sh: not found$/],
    ["sh: not found\n  hint: none\n", /: sh: not found$/],
  ] as const) {
    const other = gate.failure(127, said);
    assert.match(other.message, message);
    assert.match(other.hint!, /forced command/);
  }
});
