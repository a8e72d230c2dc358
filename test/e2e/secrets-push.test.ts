import assert from "node:assert/strict";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { GateFleet } from "./gate-fleet.ts";
import { secretsUnit, secretsUnits } from "./secrets-units.ts";

const directory = "/etc/nixseal/system";
const counting = `[Unit]
Description=What is run after an upload
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'cat /run/nixseal/secrets/licence >> /var/lib/after'
`;

test("a value that two members order is there at once, its unit has run, and it is there after a boot", async (t) => {
  const fleet = new GateFleet(t);
  const { host } = await fleet.startHost(t);
  appendFileSync(
    join(fleet.directory, "fleet.toml"),
    `[secrets.licence]\nhosts = ["web"]\nrestart = ["after-licence.service"]\n`,
  );
  const set = async (value: string): Promise<void> => {
    const file = join(fleet.base, "value");
    writeFileSync(file, value);
    await fleet.nixseal("secrets", "set", "licence", "--from-file", file);
  };
  await set("one ");
  const ciphertext = readFileSync(join(fleet.directory, "secrets/licence.age"));
  await host.run(["mkdir", "-p", `${directory}/secrets`]);
  await host.copyIn(`${directory}/secrets/licence.age`, ciphertext);
  await host.copyIn(`${directory}/manifest.json`, await fleet.nixseal("secrets", "manifest", "web"));
  const units = secretsUnits(`${directory}/manifest.json`);
  await host.copyIn(`/etc/systemd/system/${secretsUnit}`, units[secretsUnit]!);
  await host.copyIn("/etc/systemd/system/after-licence.service", counting);
  await host.run(["systemctl", "daemon-reload"]);
  await host.run(["systemctl", "enable", "--quiet", "--now", secretsUnit]);
  await host.run(["systemctl", "start", "after-licence.service"]);

  await set("two ");
  const order = join(fleet.base, "order.json");
  const push = ["secrets", "push", "web", "--order", order, "--yes", "-i", fleet.key("alice")];
  assert.match(await fleet.nixseal(...push), /waits for more signatures/);
  assert.equal(await host.run(["cat", "/run/nixseal/secrets/licence"]), "one ");
  assert.match(await fleet.nixseal(...push, "--key", fleet.key("bob")), /order 1: licence/);
  assert.equal(await host.run(["cat", "/run/nixseal/secrets/licence"]), "two ");
  for (let tries = 0; (await host.run(["cat", "/var/lib/after"])) !== "one two "; tries++) {
    assert.ok(tries < 100, "the unit has not run again");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }

  const status = await fleet.ssh("mallory", host, ["nixseal-gate", "status"]);
  assert.match(status.stdout, /"secrets":\{"seq":1,/);
  await host.reboot();
  assert.equal(await host.run(["cat", "/run/nixseal/secrets/licence"]), "two ");
  assert.equal(await host.run(["stat", "-c", "%U %a", "/var/lib/nixseal/secrets"]), "root 700\n");
});
