import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { OperatorStore } from "./operator-store.ts";

/** Where a system can be held up, so that the power is cut right there. */
export type Point = "test-before" | "test-after" | "boot-before" | "boot-after" | "health";

/**
 * What stands for `switch-to-configuration` of NixOS: activates by moving one link, and makes the next boot's entry by moving
 * another. `/run/pause` names a system and a point at which it waits for ever, after having said so in `/run/paused`.
 */
function switchScript(name: string, onTest: string): string {
  return `#!/bin/sh
set -e
out=\${0%/bin/switch-to-configuration}
pause() {
  if [ "$(cat /run/pause 2>/dev/null)" = "${name} $1" ]; then
    touch /run/paused
    sleep 600
  fi
}
link() { ln -sfn "$out" "$1.next"; mv -T "$1.next" "$1"; sync; }
echo "$1 ${name}" >>/var/log/switches
case $1 in
test | switch)
  pause test-before
  link /run/current-system
  ${onTest}
  pause test-after
  ;;
esac
case $1 in
boot | switch)
  pause boot-before
  link /boot/default
  pause boot-after
  ;;
esac
`;
}

/** A system with a library that has a path of its own; `onTest` is what its activation does beside. Gives the path. */
export async function addSystem(
  store: OperatorStore,
  name: string,
  { onTest = "true", uses = [] as readonly string[] } = {},
): Promise<string> {
  const library = await store.add(`lib-${name}`, { "lib/name": name });
  const contents = {
    "bin/switch-to-configuration": switchScript(name, onTest),
    "nixos-version": "24.11",
    uses: [library, ...uses].join("\n"),
  };
  return store.add(`nixos-system-web-${name}`, contents, [library, ...uses]);
}

const unit = "stage-two.service";

/** What a boot loader and NixOS's own start do: the system that the boot entry names is the one that runs, or nothing boots. */
export const bootFiles: Readonly<Record<string, string>> = {
  [`/etc/systemd/system/${unit}`]: `[Unit]
Before=nixseal-gate-recover.service ssh.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/bin/stage-two
`,
  "/usr/local/bin/stage-two": `#!/bin/sh
set -e
system=$(readlink /boot/default)
test -x "$system/bin/switch-to-configuration"
for link in current-system booted-system; do ln -sfn "$system" /run/$link; done
`,
  "/usr/local/bin/healthy": `#!/bin/sh
if [ "$(cat /run/pause 2>/dev/null)" = "any health" ]; then
  touch /run/paused
  sleep 600
fi
test ! -e /run/unhealthy
`,
};

export const healthCheck = ["--health", '["/usr/local/bin/healthy"]'];

/** Installs a system on a disk that was never booted, as an installer would. */
export async function installSystem(root: string, store: OperatorStore, system: string): Promise<void> {
  await store.nix("nix", "copy", "--no-check-sigs", "--to", `local?root=${root}`, system);
  const wants = join(root, "etc/systemd/system/multi-user.target.wants");
  const profiles = join(root, "nix/var/nix/profiles");
  for (const directory of [wants, profiles, join(root, "boot")]) mkdirSync(directory, { recursive: true });
  symlinkSync(`/etc/systemd/system/${unit}`, join(wants, unit));
  symlinkSync(system, join(profiles, "system-1-link"));
  symlinkSync("system-1-link", join(profiles, "system"));
  symlinkSync(system, join(root, "boot/default"));
}
