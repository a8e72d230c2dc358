/** Hosts that look for their orders themselves, with real gates and a static server (see test/support/deploy-lab.ts). */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DeployLab } from "../support/deploy-lab.ts";
import {
  configurePull,
  order,
  publish,
  pullingGate,
  runAgent,
  serveStatic,
} from "../support/pulling-host.ts";

test("from a published order to a host that runs it; no news costs one small request", async (t) => {
  const lab = await DeployLab.make(t, ["web"], { gate: pullingGate });
  const web = lab.host("web");
  const delivery = join(lab.directory, "delivery");
  const one = await publish(lab, "web", "one", delivery);
  const server = await serveStatic(t, delivery);
  configurePull(lab, "web", { kind: "web", url: server.url });

  const done = await runAgent(lab, "web", "pull", "--json");
  assert.equal(done.code, 0, done.stderr + done.stdout);
  assert.equal((JSON.parse(done.stdout) as { outcome: string }).outcome, "activated");
  assert.deepEqual([web.running(), web.boots()], [one, one]);

  server.requests.length = 0;
  const again = await runAgent(lab, "web", "pull");
  assert.equal(again.code, 0, again.stderr);
  assert.match(again.stdout, /^nothing-new: /);
  assert.deepEqual(server.requests, [{ path: "/hosts/web/head.json", status: 304, bytes: 0 }]);
  assert.equal((await runAgent(lab, "web", "pull", "--check")).stdout, "the newest order is 1\n");

  // Two orders later, of which it has seen none.
  await order(lab, "web", "two");
  const three = await publish(lab, "web", "three", delivery);
  const third = await runAgent(lab, "web", "pull");
  assert.equal(third.code, 0, third.stderr);
  assert.equal(web.running(), three);
  assert.ok(fs.existsSync(join(delivery, "hosts/web/orders/0002.json")));
});
