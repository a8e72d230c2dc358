import assert from "node:assert/strict";
import { test } from "node:test";
import type { Command } from "../../core/ports.ts";
import type { SshFleet } from "../../deploy/ssh.ts";
import { fleetOf } from "../../../test/support/fleets.ts";
import { gateOf } from "./connect.ts";

test("a host that is asked how it stands, while others wait, has two minutes for it in all", async () => {
  const asked: Command[] = [];
  const processes = {
    converse: (command: Command) => {
      asked.push(command);
      throw new Error("enough");
    },
  } as unknown as Parameters<typeof gateOf>[0]["processes"];
  const ssh = {
    command: (_host, args) => ({ program: "ssh", args }),
  } as Partial<SshFleet> as SshFleet;
  const fleet = await fleetOf('[hosts.web]\naddress = "192.0.2.1"\n');
  const gate = gateOf({ processes }, ssh, [...fleet.hosts.values()][0]!, "shared");
  for (const kind of ["status", "activate"] as const) assert.throws(() => gate.start(kind), /enough/);
  const [status, activate] = asked;
  assert.ok(status!.timeout! <= 60_000 && status!.lifetime! <= 120_000);
  assert.ok(activate!.timeout! >= 30 * 60_000 && activate!.lifetime! <= 6 * 3600_000);
});
