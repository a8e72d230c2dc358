import { NixsealError } from "../core/errors.ts";
import type { Fleet, Host, Member, Secret, SshKey } from "./model.ts";
import { hostPopulation, memberPopulation, pick, picksHost } from "./selectors.ts";
import { isAgeKey } from "./ssh-key.ts";

/** Whom a secret is encrypted to: one line for each recipient that a host or member has. */
export interface NamedRecipient {
  /** `host:NAME` or `member:NAME`. */
  readonly name: string;
  readonly recipient: string;
}

/** The age recipients of a host or member: its own, else those of its SSH keys that age can encrypt to. */
export function ageRecipients(recipients: readonly string[], keys: readonly SshKey[]): readonly string[] {
  if (recipients.length > 0) return [...new Set(recipients)];
  return [...new Set(keys.filter(isAgeKey).map((key) => key.line))];
}

export function hostRecipients(host: Host): readonly string[] {
  return ageRecipients(host.recipients, host.hostKeys);
}

export function memberRecipients(member: Member): readonly string[] {
  return ageRecipients(member.recipients, member.keys);
}

export function hostsOf(fleet: Fleet, secret: Secret): Host[] {
  return pick(hostPopulation(fleet), secret.hosts);
}

/** The members that `readers` selects; without `readers` every member that has a recipient. Sorted by name. */
export function readersOf(fleet: Fleet, secret: Secret): Member[] {
  if (secret.readers !== null) return pick(memberPopulation(fleet), secret.readers);
  const able = [...fleet.members.values()].filter((member) => memberRecipients(member).length > 0);
  return able.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * Everybody who must be able to read the secret: its hosts, then its readers, each sorted by name.
 * Throws `config` when one of them has no recipient, or when there is nobody: a file that leaves somebody out, or
 * that nobody can open, is worse than none.
 */
export function recipientsOf(fleet: Fleet, secret: Secret): NamedRecipient[] {
  const all = [
    ...hostsOf(fleet, secret).flatMap((host) => named("host", host, hostRecipients(host))),
    ...readersOf(fleet, secret).flatMap((member) => named("member", member, memberRecipients(member))),
  ];
  if (all.length > 0) return all;
  throw new NixsealError("config", `nobody could read the secret '${secret.name}'`, {
    hint: "give it hosts or readers, or the fleet a member with a key",
    where: { file: secret.file },
  });
}

/**
 * `recipientsOf` for many secrets: those with the same selectors share one list. A fleet has many secrets and few
 * selectors.
 */
export function recipientsIn(fleet: Fleet): (secret: Secret) => readonly NamedRecipient[] {
  const known = new Map<string, readonly NamedRecipient[]>();
  return (secret) => {
    const selectors = [secret.hosts, secret.readers].map((list) => list?.map(({ text }) => text) ?? null);
    const key = JSON.stringify(selectors);
    const recipients = known.get(key) ?? recipientsOf(fleet, secret);
    known.set(key, recipients);
    return recipients;
  };
}

/** The secrets that a host gets, sorted by name. */
export function secretsOf(fleet: Fleet, host: Host): Secret[] {
  const own = [...fleet.secrets.values()].filter((secret) => picksHost(secret.hosts, host));
  return own.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function named(
  kind: "host" | "member",
  owner: Host | Member,
  recipients: readonly string[],
): NamedRecipient[] {
  if (recipients.length === 0)
    throw new NixsealError("config", `the ${kind} '${owner.name}' has no key that age can encrypt to`, {
      hint: `add an ssh-ed25519 or ssh-rsa key to ${kind}s.${owner.name}, or an age recipient`,
      where: { file: owner.file },
    });
  return recipients.map((recipient) => ({ name: `${kind}:${owner.name}`, recipient }));
}
