/** Whether the deploy user's account is root by another name. */
import type { DoctorFinding } from "./finding.ts";
import type { DoctorHost } from "./host.ts";

/** Membership alone is root, or nearly: each by what its members may open or talk to. */
const powerful: ReadonlyMap<string, string> = new Map([
  ["root", "files of root's group"],
  ["docker", "the Docker daemon, which runs anything as root"],
  ["podman", "a root-owned container service"],
  ["lxd", "LXD, which runs anything as root"],
  ["incus-admin", "Incus, which runs anything as root"],
  ["libvirtd", "virtual machines with any disk"],
  ["disk", "the raw disks"],
  ["kmem", "the kernel's memory"],
  ["shadow", "password hashes"],
  ["nixbld", "builds that are under way"],
]);

export function* checkAccount({ deploy }: DoctorHost): Generator<DoctorFinding> {
  const enables = ["planting", "wildcard-sudo"] as const;
  const hint = "let the deploy user be an account of its own, in no group but its own";
  if (deploy.uid === null)
    yield {
      id: "deploy-user",
      severity: "low",
      verdict: "unknown",
      file: "/etc/passwd",
      message: `${deploy.name} is no local account, so its groups are not known here`,
      enables,
      hint: "create it (systemd-sysusers), or look at it yourself: id DEPLOY",
    };
  if (deploy.uid === 0)
    yield {
      id: "deploy-user",
      severity: "critical",
      verdict: "affected",
      message: `${deploy.name} is root`,
      enables,
      hint,
    };
  for (const group of deploy.groups) {
    const power = powerful.get(group);
    if (power !== undefined)
      yield {
        id: "deploy-user",
        severity: "critical",
        verdict: "affected",
        file: "/etc/group",
        message: `${deploy.name} is in the group ${group}: ${power}`,
        enables,
        hint,
      };
  }
}
