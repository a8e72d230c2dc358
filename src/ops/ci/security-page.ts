/** SECURITY.md of the fleet, from what is really configured. */
import { NixsealError } from "../../core/errors.ts";
import type { Fleet, Member } from "../../inventory/model.ts";
import type { PublicKey } from "../../ssh/public-key.ts";
import { formatTime, type Root } from "../../trust/root/root.ts";
import { secretsRead } from "../member/view.ts";
import type { CiPolicy } from "./policy.ts";
import { workflowDirectory } from "./workflow.ts";

export const securityFile = "SECURITY.md";
export const securityMark =
  "<!-- made by 'nixseal ci init'; 'nixseal ci check' tells when it is no longer true -->";

/** With the deploy job's command (workflow.ts) the only place that says how a deployment is authorised: CI has no part in it. */
const whatHostsAsk =
  "Hosts with the gate (`nixseal host setup`) activate nothing without one; on others `nixseal warrant verify` decides, where it is run before.";

export function securityPage(fleet: Fleet, root: Root, policy: CiPolicy): string {
  if (fleet.name !== root.fleet)
    throw new NixsealError("refused", `the root is of the fleet '${root.fleet}', not '${fleet.name}'`);
  return `${securityMark}
# Security of the fleet ${root.fleet}

${diagram(fleet, root, policy)}

## Who decides

Root version ${root.version}, valid until ${formatTime(root.expires)}. A new root needs ${count(root.root.threshold, "signature")} of these
${count(root.root.keys.length, "key")}, of the version before and of its own:

${keyList(fleet, root.root.keys)}

Certificates for members are issued, and the revocation list is signed, by one of:

${keyList(fleet, root.ca.keys)}

A warrant, the order to activate one closure on one host, needs ${count(root.warrant.threshold, "member")}${groupSentence(root)}.
${whatHostsAsk}
Store paths of these caches are taken by their signature when a warrant is made: ${root.upstream.length === 0 ? "none" : root.upstream.map((key) => `\`${key}\``).join(", ")}.

## Members

| member | groups | signing keys | reads secrets |
| --- | --- | --- | --- |
${[...fleet.members.values()].map((member) => `| ${member.name} | ${member.groups.join(", ") || "none"} | ${member.keys.length + member.keyFiles.length} | ${readsOf(fleet, member)} |`).join("\n")}

## Hosts and secrets

${count(fleet.hosts.size, "host")}${tagSentence(fleet)}; ${count(fleet.secrets.size, "secret")}, each encrypted to its hosts and its readers. The repository holds ciphertext
only and may be public.

## What CI may do

${zoneOfCi(policy)}
- It holds no key that decrypts, and nothing that it holds signs commits, roots, certificates or warrants.
- ${forgeSentence(policy)}
- Forks run nothing, and there is no \`pull_request_target\`. Actions are pinned to commits.
- Whoever may push a workflow can edit its checks: they save maintainers from mistakes. What counts is what
  maintainers verify on a machine of their own before they deploy.

## When something is stolen

| stolen | what it gives | what to do |
| --- | --- | --- |
${stolenFromCi(policy)}
| one member's key | ${memberLoss(root)} | \`nixseal trust revoke MEMBER\`, rotate what they could read |
| one CA key | certificates for anyone, until the root names another CA${sharedSentence(root)} | \`nixseal trust rotate --add-ca-key … --remove-ca-key …\` |
| one root key | ${root.root.threshold === 1 ? "**everything: one signature makes a root**" : `nothing alone: ${root.root.threshold} must sign`} | \`nixseal trust rotate --add-root-key … --remove-root-key …\` |
| a host | its own secrets | take it out, rotate its secrets |

## Reporting

Tell a maintainer named above, in private, before you tell anyone else.
`;
}

function diagram(fleet: Fleet, root: Root, policy: CiPolicy): string {
  const boxes = [
    [
      "maintainers",
      count(fleet.members.size, "member"),
      `root: ${root.root.threshold} of ${root.root.keys.length}`,
      `CA keys: ${root.ca.keys.length}`,
    ],
    ["CI", policy.forge, "verifies, builds, carries", "decrypts nothing"],
    [
      "hosts",
      count(fleet.hosts.size, "host"),
      "decrypt, activate",
      `a warrant needs ${count(root.warrant.threshold, "member")}`,
    ],
  ];
  const width = Math.max(...boxes.flat().map((line) => line.length));
  const edge = `+${"-".repeat(width + 2)}+`;
  const row = (index: number, between: string): string =>
    boxes.map((box) => `| ${(box[index] ?? "").padEnd(width)} |`).join(between);
  const gap = " ".repeat(11);
  const edges = boxes.map(() => edge).join(gap);
  return [
    "```text",
    edges,
    row(0, gap),
    row(1, gap),
    row(2, "  signed   "),
    row(3, "  ------>  "),
    edges,
    "```",
  ].join("\n");
}

function keyList(fleet: Fleet, keys: readonly PublicKey[]): string {
  return keys.map((key) => `- \`${key.fingerprint}\` (${key.type})${holderOf(fleet, key)}`).join("\n");
}

function holderOf(fleet: Fleet, { fingerprint }: PublicKey): string {
  const holder = [...fleet.members.values()].find(({ keys }) =>
    keys.some((key) => key.fingerprint === fingerprint),
  );
  return holder === undefined ? "" : `, ${holder.name}'s`;
}

function readsOf(fleet: Fleet, member: Member): string {
  return fleet.secrets.size === 0
    ? "none yet"
    : `${secretsRead(fleet, member).length} of ${fleet.secrets.size}`;
}

function groupSentence(root: Root): string {
  const groups = [...root.warrant.groups].map(
    ([group, threshold]) => `${count(threshold, "member")} for the group \`${group}\``,
  );
  return groups.length === 0 ? "" : `, and ${groups.join(", ")}`;
}

function tagSentence(fleet: Fleet): string {
  const tags = [...fleet.tags].map(([tag, hosts]) => `\`${tag}\` ${hosts.length}`);
  return tags.length === 0 ? "" : ` (${tags.join(", ")})`;
}

function zoneOfCi(policy: CiPolicy): string {
  const { branch, deploySecret, delivery } = policy;
  const where = `- Workflows are in \`${workflowDirectory(policy)}\`: verify, then build`;
  if (delivery === "pull")
    return `${where}. Hosts fetch what members have ordered (\`nixseal-agent pull\`).
- It holds no secret and reaches no host.`;
  return `${where}, then (on \`${branch}\` only) deploy: \`nixseal deploy apply --signed\` brings what members have ordered, and orders nothing.
- It holds one secret, \`${deploySecret}\`, in the deploy job alone: an SSH key that can push store paths and ask for an activation.`;
}

function stolenFromCi({ delivery }: CiPolicy): string {
  if (delivery === "pull")
    return "| a CI runner | build logs, ciphertext | look at what it has built since |";
  return `| a CI runner | build logs, ciphertext; in a deploy job the deploy key | replace the deploy key |
| the deploy key | on hosts with the gate: what members have ordered, brought sooner or later; on others what their trusted keys and sudo rules allow, and unless those are narrow that is root | replace it |`;
}

function forgeSentence({ forge, environment, branch, delivery }: CiPolicy): string {
  if (delivery === "pull")
    return `Protect \`${branch}\` (reviews, no force push): hosts follow what is signed there.`;
  if (forge === "github")
    return `Deployments go through the environment \`${environment}\`: set required reviewers there, and \`${branch}\` as its only branch.`;
  return `Forgejo has no environments: protect \`${branch}\` (reviews, no force push), and keep the deploy secret out of other repositories.`;
}

function memberLoss(root: Root): string {
  if (root.warrant.threshold === 1)
    return "**what the member's certificate allows; one signature makes a warrant**";
  return `no warrant alone: ${root.warrant.threshold} must sign one`;
}

function sharedSentence(root: Root): string {
  const shared = root.ca.keys.some((ca) => root.root.keys.some((key) => key.fingerprint === ca.fingerprint));
  return shared ? " (**a CA key here is a root key too**)" : "";
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
