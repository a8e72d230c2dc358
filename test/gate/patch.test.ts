/** A host with a real gate patches itself, by a warrant that members signed and that waits. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { patchByGate } from "../../src/agent/gate-patch.ts";
import { formatMessage } from "../../src/gate/message.ts";
import { clock } from "../../src/system/clock.ts";
import { files } from "../../src/system/files.ts";
import { processes } from "../../src/system/processes.ts";
import { sockets } from "../../src/system/sockets.ts";
import { parseWarrantEnvelope } from "../../src/trust/warrant/envelope.ts";
import { top } from "../console.ts";
import { gateConfigJson } from "../support/gate-config.ts";
import { GateHost } from "../support/gate-host.ts";
import { trustFleet } from "../support/trust-fleet.ts";

const program = [process.execPath, join(top, "bin/nixseal-agent")];

async function waiting(t: TestContext, confirm: object | null) {
  const fleet = trustFleet(t);
  fleet.expect(0, "trust", "init");
  fleet.expect(0, "trust", "issue", "alice", "--rights", "activate", "--hosts", "web", "--for", "12h");
  const host = await GateHost.make(t);
  host.write("etc/nixseal/gate.json", JSON.stringify({ ...gateConfigJson, health: [], confirm }));
  fs.copyFileSync(fleet.file("trust/root.json"), host.paths.anchor);
  const patch = patchByGate({ files, processes, sockets, clock, program }, host.root);
  const words = ["warrant", "create", "web", "--json", "--toplevel", host.new, "--store", host.root];
  const made = JSON.parse(fleet.run(words).stdout) as { warrants: { file: string }[] };
  const { file } = made.warrants[0]!;
  fleet.expect(0, "warrant", "sign", file, "--yes");
  const warrant = parseWarrantEnvelope(fs.readFileSync(fleet.file(file)));
  const offer = async (): Promise<void> => {
    const message = formatMessage({ kind: "offer", warrant, between: [], status: null });
    const [node, agent] = program as [string, string];
    const args = [agent, "activate", "--root", host.root];
    const { code, stderr } = await processes.run({ program: node, args, input: message });
    assert.equal(code, 0, stderr);
  };
  return { host, patch, offer };
}

test("a warrant that waits is activated when its system is rid of it, and not before", async (t) => {
  const { host, patch, offer } = await waiting(t, null);
  const seen: string[][] = [];
  const isRid = (rid: boolean) => (paths: readonly string[]) => {
    seen.push([...paths]);
    return rid;
  };
  assert.deepEqual(await patch(isRid(true)), {
    done: false,
    reason: "no warranted system that is rid of it is waiting",
  });
  await offer();
  assert.equal((await patch(isRid(false))).done, false);
  assert.ok(seen.at(-1)!.includes(host.new) && seen.at(-1)!.length === 2, "the whole closure was judged");
  assert.equal(host.state().running, "old");
  const done = await patch(isRid(true));
  assert.equal(done.reason, `activated ${host.new} by warrant 1`);
  assert.deepEqual([done.done, host.state().running, host.state().boot], [true, "new", "new"]);
  assert.equal((await patch(isRid(true))).done, false, "it runs already");
});

test("where a confirmation is asked for, nothing is begun that would be undone", async (t) => {
  const { host, patch, offer } = await waiting(t, { within: 30 });
  await offer();
  const { done, reason } = await patch(() => true);
  assert.deepEqual([done, host.state().running], [false, "old"]);
  assert.match(reason, /asks for a confirmation/);
});

test("what the gate refuses is no patch: the closure is not the one that was signed", async (t) => {
  const { host, patch, offer } = await waiting(t, null);
  await offer();
  host.replant(host.new, "needs", "something else");
  const { done, reason } = await patch(() => true);
  assert.deepEqual([done, host.state().running], [false, "old"]);
  assert.match(reason, /the gate did not activate warrant 1: /);
});

test("a host without a gate says so", async (t) => {
  const host = await GateHost.make(t);
  const patch = patchByGate({ files, processes, sockets, clock, program }, host.root);
  assert.deepEqual(await patch(() => true), { done: false, reason: "this host has no gate" });
});
