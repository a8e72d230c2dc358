/** What does not take a connection; the rest is in test/deploy/ssh.test.ts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fleetOf, keyLine } from "../../test/support/fleets.ts";
import { NixsealError } from "../core/errors.ts";
import { openSsh } from "./ssh.ts";

const removed: string[] = [];
const world = {
  files: {
    privateDirectory: async () => "/run/user/1000/nixseal-x",
    create: async () => undefined,
    removeTree: async (path: string) => void removed.push(path),
  },
  processes: {
    run: async () => {
      throw new NixsealError("timeout", "ssh did not end within 5 s");
    },
  },
};

async function hostAt(address: string) {
  const text = `[hosts.web]\naddress = "${address}"\nhost_keys = ["${keyLine("web")}"]\n`;
  return [...(await fleetOf(text)).hosts.values()];
}

test("a connection that does not close changes nothing of what was done, and the directory goes", async () => {
  const hosts = await hostAt("192.0.2.1");
  const ssh = await openSsh(world, hosts);
  ssh.command(hosts[0]!, ["x"]);
  await ssh.close();
  assert.deepEqual(removed, ["/run/user/1000/nixseal-x"]);
});

test("a key's file that Nix would tear into two words is refused, a zone is no token of ssh's", async () => {
  const hosts = await hostAt("fe80::1%eth0");
  await assert.rejects(openSsh(world, hosts, "/home/alice/my keys/id"), { code: "config" });
  const { options } = (await openSsh(world, hosts)).forNix(hosts[0]!);
  assert.ok(options.includes("HostName=fe80::1%%eth0"), options.join(" "));
});
