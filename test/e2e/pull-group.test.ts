/** Orders for a group of hosts, and the log's head, on their way to hosts that pull (see test/support/deploy-lab.ts). */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { formatHead, parseHead, type DeliveryHead } from "../../src/delivery/head.ts";
import { DeployLab } from "../support/deploy-lab.ts";
import { configurePull, order, pullingGate, runAgent } from "../support/pulling-host.ts";

interface Published {
  readonly host: string;
  readonly group: string | null;
  readonly seq: number;
  readonly changed: boolean;
}

test("one order for a group reaches each of its hosts, and whichever order is newest counts", async (t) => {
  const names = ["web1", "web2", "other"];
  const lab = await DeployLab.make(t, names, { gate: pullingGate });
  await lab.must("trust", "rotate", "--group", "edge=web1,web2");
  const delivery = join(lab.directory, "delivery");
  const store = ["--store", lab.builder.directory];
  const publish = async (): Promise<string[]> => {
    const text = await lab.must("deploy", "publish", "*", "--to", delivery, ...store, "--json");
    const { hosts } = JSON.parse(text) as { hosts: Published[] };
    return hosts.map(({ host, group, seq, changed }) => `${host} ${group} ${seq} ${changed}`);
  };
  const orderGroup = async (name: string): Promise<string> => {
    const system = lab.system(name);
    const words = ["warrant", "create", "--group", "edge", "--toplevel", system, ...store, "--json"];
    const { warrants } = JSON.parse(await lab.must(...words)) as { warrants: { file: string }[] };
    await lab.must("warrant", "sign", warrants[0]!.file, "--yes");
    return system;
  };
  /** Orders begin on whole seconds: the next one is made in another. */
  const nextSecond = (): Promise<void> => sleep(1001 - (Date.now() % 1000));
  const headFile = (host: string): string => join(delivery, "hosts", host, "head.json");
  const headOf = (host: string): DeliveryHead => parseHead(fs.readFileSync(headFile(host)));
  const pulled = async (host: string): Promise<string> => {
    const { code, stdout, stderr } = await runAgent(lab, host, "pull", "--now");
    return code === 0 ? stdout.split(":")[0]! : `${code} ${stderr}`;
  };
  for (const name of names) {
    configurePull(lab, name, { kind: "directory", path: "/srv", removable: false });
    fs.symlinkSync(delivery, join(lab.host(name).root, "srv"));
  }

  const own = await order(lab, "other", "own");
  const one = await orderGroup("one");
  assert.deepEqual(await publish(), ["other null 1 true", "web1 edge 1 true", "web2 edge 1 true"]);
  assert.ok(fs.existsSync(join(delivery, "groups/edge/orders/0001.json")), "once for all of them");
  for (const name of names) assert.equal(await pulled(name), "activated", name);
  assert.deepEqual(
    names.map((name) => lab.host(name).running()),
    [one, one, own],
  );

  await nextSecond();
  const alone = await order(lab, "web1", "alone");
  assert.deepEqual(await publish(), ["other null 1 false", "web1 null 1 true", "web2 edge 1 false"]);
  assert.deepEqual([await pulled("web1"), await pulled("web2")], ["activated", "current"]);
  assert.equal(lab.host("web1").running(), alone);

  // What the group had before is behind the order of the host's own, by the gate's word.
  const kept = fs.readFileSync(headFile("web1"));
  const toGroup = (host: string): void => {
    const status = headOf(host).status;
    fs.writeFileSync(headFile(host), formatHead({ ...headOf("web2"), host, status }));
  };
  toGroup("web1");
  assert.match(await pulled("web1"), /^4 .*older than the newest order that was accepted/);
  fs.writeFileSync(headFile("web1"), kept);

  await nextSecond();
  const two = await orderGroup("two");
  assert.deepEqual(await publish(), ["other null 1 false", "web1 edge 2 true", "web2 edge 2 true"]);
  toGroup("other");
  assert.match(await pulled("other"), /^4 .*other is not in the group 'edge'/s);
  for (const name of ["web1", "web2"]) assert.equal(await pulled(name), "activated", name);
  assert.deepEqual(
    names.map((name) => lab.host(name).running()),
    [two, two, own],
  );

  // The log's entry of the publication is what each receipt bears witness of.
  const receipts = join(lab.host("web1").root, "var/lib/nixseal/gate/receipts");
  const verify = (): ReturnType<typeof lab.run> => lab.run("log", "verify", "--receipt", receipts);
  assert.match((await verify()).stdout, /sound: 3 entries, 3 of 3 witnesses agree/);
  const log = join(lab.directory, "state/log%0000000001");
  const lines = fs.readFileSync(log, "utf8").split("\n");
  assert.equal(headOf("web2").log?.seq, 3);
  fs.writeFileSync(log, `${lines.slice(0, 2).join("\n")}\n`);
  const cut = await verify();
  assert.deepEqual([cut.code, /truncated/.test(cut.stdout)], [1, true], cut.stdout);
});
