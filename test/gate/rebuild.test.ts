import assert from "node:assert/strict";
import * as fs from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { ReceivingGate } from "../support/receiving-gate.ts";

/** What a system's script does at least: what runs is what /run/current-system names. */
const script = `#!/bin/sh
set -eu
dir=$(cd "$(dirname "$0")/.." && pwd)
root=\${dir%%/nix/store/*}
echo "\${dir##*-} $1" >> "$root/log"
[ "$1" = boot ] || ln -sfn "/nix/store/\${dir##*/}" "$root/run/current-system"
`;
const profile = "/nix/var/nix/profiles/system";
const unit =
  "systemd-run -E LOCALE_ARCHIVE -E NIXOS_INSTALL_BOOTLOADER --collect --no-ask-password --pipe --quiet --service-type=exec --unit=nixos-rebuild-switch-to-configuration";
const environment = "env -i PATH=${PATH-}";

/** What `nixos-rebuild switch --target-host [--sudo]` sends after the closure: the shell script, -ng of 25.05, and -ng of 25.11. */
const sequences: Readonly<Record<string, (system: string) => readonly string[]>> = {
  classic: (system) => [
    "cat /proc/sys/kernel/hostname",
    `sudo nix-env -p ${profile} --set ${system}`,
    `sudo ${unit} true`,
    `sudo ${unit} ${system}/bin/switch-to-configuration switch`,
  ],
  "ng 25.05": (system) => [
    "uname -n",
    `sudo nix-env -p ${profile} --set ${system}`,
    "test -d /run/systemd/system",
    `sudo env NIXOS_INSTALL_BOOTLOADER=0 ${unit} ${system}/bin/switch-to-configuration switch`,
  ],
  "ng 25.11": (system) => [
    `${environment} uname -n`,
    `${environment} test -f ${system}/nixos-version`,
    `sudo ${environment} nix-env -p ${profile} --set ${system}`,
    `${environment} test -d /run/systemd/system`,
    `sudo ${environment} LOCALE_ARCHIVE=\${LOCALE_ARCHIVE-} NIXOS_INSTALL_BOOTLOADER=0 ${unit} ${system}/bin/switch-to-configuration switch`,
  ],
};

test("the commands of nixos-rebuild --target-host activate what a warrant orders, and nothing else", async (context) => {
  const gate = await ReceivingGate.make(context);
  await gate.listen(context);
  const { builder, host, address } = gate;
  fs.mkdirSync(join(gate.paths.root, "nix/var/nix/profiles"), { recursive: true });
  const old = host.add("old", { "bin/switch-to-configuration": script });
  fs.symlinkSync(old, gate.paths.running);
  host.run("nix-env", ["--profile", gate.paths.profile, "--set", old]);

  for (const [name, commands] of Object.entries(sequences)) {
    const system = builder.add(`system-${name.replaceAll(/[ .]/g, "")}`, {
      "bin/switch-to-configuration": script,
      "nixos-version": "26.05",
    });
    await gate.offer(system);
    await builder.runAside("nix-copy-closure", "--to", address, system);
    for (const command of commands(system)) {
      const { status, stdout, stderr } = await gate.ssh("alice", [command]);
      assert.equal(status, 0, `${name}: ${command}: ${stdout}${stderr}`);
    }
    assert.equal(fs.readlinkSync(gate.paths.running), system, name);
    const generation = join(dirname(gate.paths.profile), fs.readlinkSync(gate.paths.profile));
    assert.equal(fs.readlinkSync(generation), system, name);
  }

  const unordered = host.add("unordered", { "bin/switch-to-configuration": script, "nixos-version": "" });
  const current = fs.readlinkSync(gate.paths.running);
  const refused: readonly (readonly [string, RegExp])[] = [
    [`sudo nix-env -p ${profile} --set ${unordered}`, /no warrant orders/],
    [`sudo ${unordered}/bin/switch-to-configuration switch`, /no warrant orders/],
    [`sudo ${current}/specialisation/x/bin/switch-to-configuration switch`, /not one of its specialisations/],
    [`sudo env NIXOS_INSTALL_BOOTLOADER=1 ${current}/bin/switch-to-configuration switch`, /boot loader/],
    [`sudo nix-env --rollback -p ${profile}`, /needs a warrant too/],
    [`sudo ${profile}-1-link/bin/switch-to-configuration switch`, /needs a warrant too/],
    ["sudo reboot", /not one that the deploy user may give/],
  ];
  for (const [command, expected] of refused) {
    const { status, stderr } = await gate.ssh("alice", [command]);
    assert.notEqual(status, 0, command);
    assert.match(stderr, expected);
  }
  assert.equal(fs.readlinkSync(gate.paths.running), current);
  assert.doesNotMatch(fs.readFileSync(join(gate.paths.root, "log"), "utf8"), /unordered/);
});

test("a password for sudo is read and thrown away; orders of the operator go through", async (context) => {
  const gate = await ReceivingGate.make(context);
  await gate.listen(context);
  const asked = await gate.ssh("alice", ["sudo --prompt= --stdin uname -n"], "secret\n");
  assert.equal(asked.status, 0, asked.stderr);
  const status = await gate.ssh("alice", ["nixseal-gate", "status"]);
  assert.equal(status.status, 0, status.stderr);
  assert.match(status.stdout, /"kind":"result".*"ok":true/);
  const revert = await gate.ssh("alice", ["nixseal-gate"], '{"fence":null,"kind":"revert"}\n');
  assert.equal(revert.status, 4);
  assert.match(revert.stdout, /"ok":false/);
});
