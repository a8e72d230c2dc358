/** What a person does after the files are there, and what they should know of the set-up that they chose. */
import { keysFile } from "../../gate/setup/login.ts";
import type { HostSetup } from "../../gate/setup/host-files.ts";
import { pullTimer } from "../../gate/setup/pull-units.ts";
import { recoverUnit, socketUnit } from "../../gate/setup/units.ts";

/** Groups whose members are root on most machines; `mighty` of nix/module/gate/checks.nix is the list for NixOS. */
export const mightyGroups: readonly string[] = [
  "disk",
  "docker",
  "incus-admin",
  "kmem",
  "libvirtd",
  "lxd",
  "nixbld",
  "podman",
  "root",
  "shadow",
  "sudo", // Debian's wheel
  "wheel",
];

/** Commands for a running host; in an image the first two suffice, with --root. */
export function stepsAfter({ privilege, user, pull }: HostSetup): string[] {
  const started = privilege === "socket" ? [`systemctl start ${socketUnit}`] : ["visudo -c"];
  return [
    "systemd-sysusers nixseal.conf",
    "systemd-tmpfiles --create nixseal.conf",
    "systemctl daemon-reload",
    ...started,
    "systemctl restart nix-daemon.service",
    `sshd -T -C user=${user},host=x,addr=127.0.0.1 | grep authorizedkeysfile    # must be ${keysFile}`,
    "systemctl reload ssh.service    # sshd.service on some; keep a session open",
    `systemctl is-enabled ${recoverUnit}`,
    ...(pull === null ? [] : ["nixseal-agent pull --check", `systemctl start ${pullTimer}`]),
    "nixseal-agent doctor    # what could still let somebody past the gate",
  ];
}

export function warningsOf({ mode, confirmWithin, upstream, privilege, health, pull }: HostSetup): string[] {
  const warnings: string[] = [];
  if (mode === "certificates")
    warnings.push(
      "mode certificates stops uploads by strangers and by members whose certificate has ended or was revoked. It does not stop " +
        "a member who may upload from planting a path that a later deployment activates, and being root then: that takes warrants",
    );
  if (pull !== null && health.length === 0)
    warnings.push(
      'nothing decides whether a pulled system is good: --health with a command, such as ["/usr/local/bin/nixseal-agent","pull","--check"]',
    );
  if (confirmWithin === null && pull === null)
    warnings.push(
      "no confirmation: a system that cannot be reached any more stays until somebody is at its console",
    );
  if (upstream.length === 0)
    warnings.push("the root names no upstream cache: the host takes nothing from one, only what is uploaded");
  if (privilege === "sudo")
    warnings.push(
      "by sudo the root side runs with all of root's rights; by the socket its unit restricts it",
    );
  return warnings;
}
