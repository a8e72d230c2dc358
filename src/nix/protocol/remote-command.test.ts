import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";

import { NixsealError } from "../../core/errors.ts";
import type { StorePath } from "../store-path.ts";
import { commandWords } from "./command-words.ts";
import { parseRemoteCommand, type RemoteCommand } from "./remote-command.ts";

const path = "/nix/store/13ajmldrd01hqda8nnl89s0v9bnk180w-nixos-system-lufta-26.05" as StorePath;
const system = { type: "path", path } as const;
const profile = "/nix/var/nix/profiles/system";
/** `SWITCH_TO_CONFIGURATION_CMD_PREFIX` of nixos-rebuild-ng, and what the shell script had. */
const unit =
  "systemd-run -E LOCALE_ARCHIVE -E NIXOS_INSTALL_BOOTLOADER --collect --no-ask-password --pipe --quiet --service-type=exec --unit=nixos-rebuild-switch-to-configuration";
const classicUnit =
  "systemd-run -E LOCALE_ARCHIVE -E NIXOS_INSTALL_BOOTLOADER= --collect --no-ask-password --pipe --quiet --same-dir --service-type=exec --unit=nixos-rebuild-switch-to-configuration --wait";
const script = (variables: string) => `/bin/sh -c 'exec env -i PATH="\${PATH-}" ${variables}"$@"' sh`;
const variables = 'LOCALE_ARCHIVE="${LOCALE_ARCHIVE-}" NIXOS_NO_CHECK="${NIXOS_NO_CHECK-}" ';
const env = "env -i PATH=${PATH-}";
const switching = {
  verb: "switch",
  system,
  specialisation: null,
  action: "switch",
  installBootloader: false,
} as const;

/** What stock clients send, and what it asks for. */
const understood: readonly (readonly [string, RemoteCommand])[] = [
  ["nix-store --serve --write", { verb: "serve" }],
  ["nix-daemon --stdio", { verb: "daemon" }],
  // nixos-rebuild, the shell script
  ["cat /proc/sys/kernel/hostname", { verb: "hostname" }],
  [`nix-env -p ${profile} --set ${path}`, { verb: "set-profile", path }],
  [`sudo nix-env -p ${profile} --set ${path}`, { verb: "set-profile", path }],
  [`${classicUnit} true`, { verb: "has-systemd" }],
  [`sudo ${classicUnit} true`, { verb: "has-systemd" }],
  [`sudo ${classicUnit} ${path}/bin/switch-to-configuration switch`, switching],
  [
    `sudo ${classicUnit.replace("BOOTLOADER=", "BOOTLOADER=1")} ${path}/bin/switch-to-configuration boot`,
    { ...switching, action: "boot", installBootloader: true },
  ],
  [
    `sudo env -i LOCALE_ARCHIVE=/run/current-system/sw/lib/locale/locale-archive NIXOS_INSTALL_BOOTLOADER= ${path}/bin/switch-to-configuration test`,
    { ...switching, action: "test" },
  ],
  [
    `env NIXOS_INSTALL_BOOTLOADER=1 ${path}/bin/switch-to-configuration dry-activate`,
    { ...switching, action: "dry-activate", installBootloader: true },
  ],
  [
    `test -f ${path}/specialisation/quiet/bin/switch-to-configuration`,
    { verb: "has-system", system, specialisation: "quiet" },
  ],
  [`sudo nix-env --rollback -p ${profile}`, { verb: "rollback" }],
  [`nix-env -p ${profile} --list-generations`, { verb: "list-generations" }],
  [
    `sudo ${classicUnit} ${profile}/bin/switch-to-configuration switch`,
    { ...switching, system: { type: "profile" } },
  ],
  [
    `sudo ${classicUnit} ${profile}-41-link/bin/switch-to-configuration test`,
    { ...switching, system: { type: "generation", number: 41 }, action: "test" },
  ],
  // nixos-rebuild-ng of 25.05
  ["uname -n", { verb: "hostname" }],
  [`test -f ${path}/nixos-version`, { verb: "has-system", system, specialisation: null }],
  ["test -d /run/systemd/system", { verb: "has-systemd" }],
  [`sudo env NIXOS_INSTALL_BOOTLOADER=0 ${unit} ${path}/bin/switch-to-configuration switch`, switching],
  // of 25.11
  [`${env} uname -n`, { verb: "hostname" }],
  [`${env} test -d /run/systemd/system`, { verb: "has-systemd" }],
  [`sudo ${env} nix-env -p ${profile} --set ${path}`, { verb: "set-profile", path }],
  [
    `sudo ${env} LOCALE_ARCHIVE=\${LOCALE_ARCHIVE-} NIXOS_NO_CHECK=\${NIXOS_NO_CHECK-} NIXOS_INSTALL_BOOTLOADER=1 ${unit} ${path}/specialisation/quiet/bin/switch-to-configuration switch`,
    { ...switching, specialisation: "quiet", installBootloader: true },
  ],
  // of 26.05
  [`${script("")} uname -n`, { verb: "hostname" }],
  [`${script("")} test -f ${path}/nixos-version`, { verb: "has-system", system, specialisation: null }],
  [`sudo ${script("")} nix-env -p ${profile} --set ${path}`, { verb: "set-profile", path }],
  [
    `sudo ${script(`${variables}NIXOS_INSTALL_BOOTLOADER=0 `)} ${unit.replace("--collect", "-E NIXOS_NO_CHECK --collect --wait")}-9767bc07 ${path}/bin/switch-to-configuration boot`,
    { ...switching, action: "boot" },
  ],
  [
    `sudo ${script(`${variables}NIXOS_INSTALL_BOOTLOADER=1 `)} ${path}/bin/switch-to-configuration switch`,
    { ...switching, installBootloader: true },
  ],
];

test("the commands of stock clients are understood", () => {
  for (const [line, command] of understood)
    assert.deepEqual(parseRemoteCommand(line), { command, passwordFirst: false }, line);
});

test("a password for sudo is announced", () => {
  const line = `sudo --prompt= --stdin ${script("")} nix-env -p ${profile} --set ${path}`;
  assert.deepEqual(parseRemoteCommand(line), {
    command: { verb: "set-profile", path },
    passwordFirst: true,
  });
});

test("another store's directory is taken when it is named, and only then", () => {
  const other = path.replace("/nix/store", "/tmp/x/store");
  const line = `nix-env -p ${profile} --set ${other}`;
  assert.deepEqual(parseRemoteCommand(line, "/tmp/x/store").command, { verb: "set-profile", path: other });
  assert.throws(() => parseRemoteCommand(line), { code: "refused" });
});

const refused: readonly string[] = [
  "",
  " ",
  "bash",
  "scp -t /etc",
  "internal-sftp",
  "rsync --server -logDtpre.iLsfxC . /",
  "nix-store --serve",
  "nix-store --serve --write --store /tmp/x",
  "nix-store --serve --write --store '/tmp/x y'",
  "nix-store --write --serve",
  "nix-store --import",
  "nix-store --serve --write; id",
  "nix-store --serve --write\nid",
  "nix-store  --serve --write",
  " nix-store --serve --write",
  "nix-store --serve --write ",
  "'nix-store' --serve --write",
  '"nix-store" --serve --write',
  "nix-store --serve $(id)",
  "nix-store --serve `id`",
  "/run/current-system/sw/bin/nix-store --serve --write",
  "sudo nix-store --serve --write",
  "env -i nix-daemon --stdio",
  "nix-daemon --stdio --store /tmp/x",
  "nix-daemon --stdio --process-ops",
  "nix-daemon",
  "sudo",
  "sudo sudo uname -n",
  "sudo -u root uname -n",
  "sudo --stdin uname -n",
  "uname -a",
  "cat /etc/shadow",
  "test -e /etc/shadow",
  "test -f /etc/shadow",
  `test -f ${path}/etc/shadow`,
  "test -d /",
  `nix-env -p ${profile} --set /etc`,
  `nix-env -p ${profile} --set ${path}/..`,
  `nix-env -p ${profile} --set ${path} --option sandbox false`,
  `nix-env -p ${profile}-profiles/x --set ${path}`,
  `nix-env -p /nix/var/nix/profiles/per-user/root/x --set ${path}`,
  `nix-env --set ${path}`,
  `nix-env -p ${profile} --set '${path}'`,
  `${path}/bin/switch-to-configuration`,
  `${path}/bin/switch-to-configuration check`,
  `${path}/bin/switch-to-configuration switch switch`,
  `${path}/bin/../bin/switch-to-configuration switch`,
  `${path}/specialisation/../bin/switch-to-configuration switch`,
  `${path}/specialisation/.x/bin/switch-to-configuration switch`,
  `${path}/specialisation/a/b/bin/switch-to-configuration switch`,
  "/tmp/x/bin/switch-to-configuration switch",
  `${profile}-0-link/bin/switch-to-configuration switch`,
  unit,
  `${unit} bash`,
  `${unit} uname -n`,
  `${unit} -E LD_PRELOAD=/tmp/x ${path}/bin/switch-to-configuration switch`,
  `${unit} -p ExecStartPre=/tmp/x true`,
  `${unit.replace("--unit=nixos-rebuild-switch-to-configuration", "--unit=sshd")} true`,
  `env LD_PRELOAD=/tmp/x ${path}/bin/switch-to-configuration switch`,
  `env PATH=/tmp/x ${path}/bin/switch-to-configuration switch`,
  `env NIXOS_INSTALL_BOOTLOADER=2 ${path}/bin/switch-to-configuration switch`,
  "env -i PATH=${HOME-} uname -n",
  "env -i PATH=${PATH-x} uname -n",
  "/bin/sh -c 'id' sh",
  "/bin/sh -c 'id'",
  "/bin/sh -c uname -n",
  `/bin/sh -c 'exec env -i PATH="\${PATH-}" "$@"' uname -n`,
  `/bin/sh -c 'exec env -i PATH="\${PATH-}" "$@"; id' sh uname -n`,
  `/bin/sh -c 'exec env -i PATH="$(id)" "$@"' sh uname -n`,
  `/bin/sh -c 'exec env -i LD_PRELOAD=/x "$@"' sh uname -n`,
  `/bin/sh -c 'exec env -i  "$@"' sh uname -n`,
  "mktemp -d -t nixos-rebuild.XXXXX",
  `nix-store --realise ${path}`,
  `nix --extra-experimental-features 'nix-command flakes' build '${path}^*'`,
  "pkill --signal SIGINT --full -- nix",
  "uname -n\u0000",
  "uname -n\u00a0",
  `uname ${"x".repeat(5000)}`,
];

test("everything else is refused", () => {
  for (const line of refused)
    assert.throws(() => parseRemoteCommand(line), { code: "refused" }, JSON.stringify(line.slice(0, 200)));
});

test("a command with anything added, removed or doubled means something else or nothing", () => {
  for (const [line] of understood) {
    const words = line.split(" ");
    for (const extra of ["", "-x", "--store", ";id", "$(id)", "&&", "'"])
      assert.throws(() => parseRemoteCommand(`${line} ${extra}`), { code: "refused" }, `${line} ${extra}`);
    assert.throws(() => parseRemoteCommand(words.slice(0, -1).join(" ")), { code: "refused" }, line);
  }
});

test("one character changed never gives a command with another path than the line has", () => {
  const printable = Array.from({ length: 95 }, (_, n) => String.fromCharCode(32 + n));
  const line = fc.constantFrom(...understood.map(([line]) => line));
  fc.assert(
    fc.property(line, fc.nat(), fc.constantFrom(...printable), (line, at, character) => {
      const changed = line.slice(0, at % line.length) + character + line.slice((at % line.length) + 1);
      try {
        const { command } = parseRemoteCommand(changed);
        const named =
          "path" in command
            ? command.path
            : "system" in command && command.system.type === "path"
              ? command.system.path
              : "";
        assert.ok(changed.includes(named));
      } catch (error) {
        assert.ok(error instanceof NixsealError && error.code === "refused", String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

test("words are those of a strict grammar", () => {
  assert.deepEqual(commandWords("a 'b c' D=${D-} ''"), ["a", "b c", "D=${D-}", ""]);
  const shell = [
    "'a b",
    "'",
    "a 'b c'd",
    "a'b c'",
    "'a'",
    "a\\ b",
    "~",
    "*",
    "a  b",
    "a ",
    "D=${E-}",
    "a|b",
    "#a",
  ];
  for (const line of shell) assert.throws(() => commandWords(line), { code: "refused" }, line);
});
