/** Where the machine's side of the conversation lies on its disk. */
export const commandsProgram = "/usr/local/lib/deep/commands";

/** A first process that does nothing else than talk: up in a third of the time that systemd takes. */
export const plainInit = "/usr/local/lib/deep/init";

/** A module that takes fsync of files away from the program that loads it; directories are still synced. */
export const withoutFsync = "/usr/local/lib/deep/without-fsync.mjs";

/** The character before which a command's output ends; its exit code follows. */
export const endMark = "\u0004";

/** What the disk of a machine has beside its Debian. */
export const guestFiles: Readonly<Record<string, string>> = {
  // A line is the base64 of an argv with a NUL after each word. The answer is what it prints, then its exit code.
  [commandsProgram]: `#!/bin/bash
# The first number depends on the other devices. Opening one that is not there yet would make a file.
until port=$(compgen -G '/dev/vport*p1'); do sleep 0.1; done
exec 3<>"$port"
printf '\\004ready\\n' >&3
while :; do
  # Reading ends at once while the kernel does not know yet that somebody is at the other end.
  until IFS= read -r -u 3 line; do sleep 0.1; done
  mapfile -d '' -t argv < <(base64 -d <<<"$line")
  "\${argv[@]}" </dev/null >&3 2>&1 3>&-
  printf '\\004%s\\n' "$?" >&3
done
`,
  [plainInit]: `#!/bin/bash
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs tmpfs /tmp
ln -s /proc/self/fd /dev/fd
mkdir /dev/shm
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /mnt
mkdir /mnt/data
exec ${commandsProgram}
`,
  // Early, so that a test can watch what happens while the machine boots.
  "/etc/systemd/system/deep-commands.service": `[Unit]
Description=Commands of the test
DefaultDependencies=no
After=systemd-tmpfiles-setup-dev-early.service

[Service]
ExecStart=${commandsProgram}
Environment=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin LANG=C.UTF-8 HOME=/root
KillMode=process
`,
  "/etc/systemd/system/sysinit.target.d/deep.conf": "[Unit]\nWants=deep-commands.service\n",
  // There are no modules: what these tests need is built into the kernel.
  "/etc/systemd/system/systemd-modules-load.service": "",
  [withoutFsync]: `import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
fs.fsync = (descriptor, done) => setImmediate(done, null);
fs.fsyncSync = () => undefined;
syncBuiltinESMExports();
`,
};
