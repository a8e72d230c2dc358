import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { run } from "../e2e/command.ts";
import type { Disk } from "../e2e/disk.ts";
import { Generations, type Declarations } from "../e2e/generations.ts";
import { service } from "../e2e/secrets-host.ts";
import { secretsUnit, secretsUnits, usersUnit } from "../e2e/secrets-units.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { Machine } from "./machine.ts";
import { rootImage } from "./root-image.ts";

const many = Array.from({ length: 40 }, (_, index) => `bulk-${index}`);
const secrets: Declarations = {
  ...Object.fromEntries(many.map((name) => [name, { value: `value of ${name}` }])),
  account: { value: "for an account", stage: "users" },
  elsewhere: { value: "over there", path: "/etc/elsewhere/token" },
};

/** The installation waits for the test, which otherwise might come too late to cut the power during it. */
const waits = `[Service]
ExecStartPre=sh -c 'until [ -e /run/go ]; do sleep 0.1; done'
`;

async function furnish(disk: Disk): Promise<void> {
  const { manifest, sources } = await new Generations("served", disk.hostKey).make(secrets);
  const files = {
    ...Object.fromEntries(
      [...sources, ["manifest.json", manifest]].map(([path, text]) => [`/var/lib/generation/${path}`, text]),
    ),
    ...Object.fromEntries(
      Object.entries(secretsUnits("/var/lib/generation/manifest.json")).map(([name, text]) => [
        `/etc/systemd/system/${name}`,
        text,
      ]),
    ),
    [`/etc/systemd/system/${secretsUnit}.d/waits.conf`]: waits,
    "/etc/systemd/system/app.service": service("bulk-7"),
  };
  for (const [path, text] of Object.entries(files)) {
    const target = join(disk.root, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
    chmodSync(target, 0o644);
  }
  await run(["systemctl", `--root=${disk.root}`, "--quiet", "enable", usersUnit, secretsUnit, "app.service"]);
}

test("secrets that a unit installs at boot are there after boots whose installation a power cut ended", async (t) => {
  const directory = temporaryDirectory(t, "/run");
  const file = join(directory, "root.img");
  await rootImage(file, { directory: join(directory, "root"), name: "served" }, furnish);
  const boot = (): Promise<Machine> =>
    Machine.start({
      drives: [{ file, format: "raw" }],
      init: "systemd",
      console: join(directory, "console"),
    });

  // First in the middle of the files, then between the files and what comes after them: links and units.
  for (const seen of ["/run/nixseal/generations/*/bulk-2*", "/run/nixseal/secrets/bulk-7"]) {
    const machine = await boot();
    const wait = `touch /run/go; until ls ${seen} >/dev/null 2>&1; do sleep 0.05; done; echo now; sleep 60`;
    const end = await machine.attempt(["sh", "-c", wait], (line) => line === "now");
    assert.equal(end, undefined);
  }

  const machine = await boot();
  await machine.run("touch", "/run/go");
  const { output: state } = await machine.attempt(["systemctl", "is-system-running", "--wait"]);
  const { output: failed } = await machine.attempt(["systemctl", "--failed", "--plain", "--no-legend"]);
  assert.equal(state, "running", failed);
  for (const name of Object.keys(secrets))
    assert.equal(await machine.run("cat", `/run/nixseal/secrets/${name}`), secrets[name]!.value);
  assert.equal(await machine.run("cat", "/etc/elsewhere/token"), "over there");
  assert.equal(await machine.run("cat", "/var/lib/app/read"), "value of bulk-7");
  assert.equal(await machine.run("ls", "-A", "/etc/elsewhere"), "token", "nothing half-made is left");
  await machine.cut();
});
