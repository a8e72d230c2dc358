import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { describe, test, type TestContext } from "node:test";
import { attempt, run } from "./command.ts";
import { startHost, type Host } from "./host.ts";
import { clientKey, hostsDirectory } from "./lab-layout.ts";

async function testHost(t: TestContext, name: string): Promise<Host> {
  const host = await startHost(name);
  t.after(() => host.destroy());
  return host;
}

describe("a test host", () => {
  test("boots, reboots and loses its power as a machine does", async (t) => {
    const host = await testHost(t, "web");
    assert.equal(await host.run(["systemctl", "is-system-running"], { codes: [0, 1] }), "running\n");
    assert.equal(await host.run(["hostname"]), "web\n");

    await host.copyIn("/var/lib/kept/file", "kept", 0o600);
    await host.copyIn("/run/lost/file", "lost");
    assert.equal(await host.run(["stat", "--format=%a %U", "/var/lib/kept/file"]), "600 root\n");
    const firstBoot = await host.run(["systemctl", "show", "--property=UserspaceTimestampMonotonic"]);

    await host.reboot();
    assert.notEqual(
      await host.run(["systemctl", "show", "--property=UserspaceTimestampMonotonic"]),
      firstBoot,
    );
    assert.equal(await host.run(["cat", "/var/lib/kept/file"]), "kept");
    assert.equal((await host.attempt(["test", "-e", "/run/lost/file"])).code, 1);

    const unit = "[Service]\nExecStart=sleep infinity\nExecStop=touch /var/lib/kept/stopped\n";
    await host.copyIn("/run/systemd/system/told.service", unit);
    await host.run(["systemctl", "start", "told.service"]);
    await host.powerCut();
    await assert.rejects(host.run(["true"]), /web is off/);
    await host.start();
    assert.equal(await host.run(["cat", "/var/lib/kept/file"]), "kept");
    assert.equal((await host.attempt(["test", "-e", "/var/lib/kept/stopped"])).code, 1, "a unit was told");

    await host.copyIn("/run/systemd/system/told.service", unit);
    await host.run(["systemctl", "start", "told.service"]);
    await host.poweroff();
    await host.start();
    await host.run(["test", "-e", "/var/lib/kept/stopped"]);
  });

  test("runs this checkout with this node", async (t) => {
    const host = await testHost(t, "agent");
    assert.equal(await host.run(["node", "--print", "process.version"]), `${process.version}\n`);
    assert.equal(await host.run(["node", "-p", "require('/opt/nixseal/package.json').name"]), "nixseal\n");
    assert.equal((await host.attempt(["touch", "/opt/nixseal/dist/x"])).code, 1, "the checkout is writable");
  });

  test("says what failed, with its journal", async (t) => {
    const host = await testHost(t, "failing");
    await host.copyIn(
      "/run/systemd/system/broken.service",
      "[Service]\nType=oneshot\nExecStart=ls /nowhere\n",
    );
    await assert.rejects(host.run(["systemctl", "start", "broken.service"]), /cannot access '\/nowhere'/);
    assert.match(await host.journal("broken.service"), /cannot access '\/nowhere'/);
    await assert.rejects(host.run(["sleep", "60"], { timeout: 500 }), /took too long on failing: sleep 60/);
  });

  test("answers by ssh with the key that is known before, two at once", async (t) => {
    const [one, two] = await Promise.all([testHost(t, "one"), testHost(t, "two")]);
    const known = `${hostsDirectory}/known_hosts`;
    const ssh = (host: Host, key: Host): readonly string[] => {
      writeFileSync(known, `${host.address} ${key.hostKey.public}\n`);
      const options = [`UserKnownHostsFile=${known}`, "StrictHostKeyChecking=yes", "BatchMode=yes"];
      const asked = options.flatMap((option) => ["-o", option]);
      return ["ssh", ...asked, "-i", clientKey, `root@${host.address}`, "hostname"];
    };
    assert.equal(await run(ssh(one, one)), "one\n");
    assert.equal(await run(ssh(two, two)), "two\n");
    assert.match((await attempt(ssh(one, two))).stderr, /host key/i);
    await one.run(["bash", "-c", `exec 3<>/dev/tcp/${two.address}/22`]);
    await one.copyIn("/etc/only-on-one", "");
    assert.equal((await two.attempt(["test", "-e", "/etc/only-on-one"])).code, 1);
  });
});
