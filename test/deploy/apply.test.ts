/** What `deploy` costs the hosts, and what it says beforehand, with real sshd and gates (see test/support/deploy-lab.ts). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DeployLab } from "../support/deploy-lab.ts";

test("a deployment is two connections, one of them fresh; once more with nothing to do is one", async (t) => {
  const lab = await DeployLab.make(t, ["web1", "web2"], { settings: '[deploy]\ncanary = 1\nsoak = "24h"\n' });
  const hosts = [lab.host("web1"), lab.host("web2")];
  const counted = async (...words: string[]): Promise<number[]> => {
    const before = hosts.map((host) => host.connections());
    const { code, stdout, stderr } = await lab.deploy(...words);
    assert.equal(code, 0, stderr + stdout);
    return hosts.map((host, index) => host.connections() - before[index]!);
  };
  const systems = hosts.flatMap(({ name }) => ["--toplevel", `${name}=${lab.system("one")}`]);
  const shared = 1;
  const confirming = 1;
  assert.deepEqual(await counted("web*", ...systems, "--soak", "0s"), [
    shared + confirming,
    shared + confirming,
  ]);
  // The soak of a day is not waited for: nobody comes after it who would be changed.
  assert.deepEqual(await counted("web*", ...systems), [1, 1]);
});
