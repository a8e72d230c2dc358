import { identityFiles } from "./identities.ts";
import type { Fleet, HostName } from "./model.ts";
import type { Problem, TomlPath } from "./problem.ts";
import { hostRecipients, hostsOf, memberRecipients } from "./recipients.ts";

/** Hosts that could not decrypt: nothing to encrypt to, or no telling which private key they would use. */
export function reviewHosts(fleet: Fleet): Problem[] {
  const wanted = new Set<HostName>();
  for (const secret of fleet.secrets.values())
    for (const host of hostsOf(fleet, secret)) wanted.add(host.name);
  const problems: Problem[] = [];
  for (const host of fleet.hosts.values()) {
    const base = { file: host.file, path: ["hosts", host.name] as TomlPath };
    const severity = wanted.has(host.name) ? "high" : "low";
    if (hostRecipients(host).length === 0)
      problems.push({
        ...base,
        id: "no-recipient",
        severity,
        message: `the host '${host.name}' has no key that secrets can be encrypted to`,
        hint: `add its ssh-ed25519 host key to host_keys ('ssh-keyscan -t ed25519 ${host.address}', then compare the fingerprint)`,
      });
    else if (identityFiles(host).length === 0)
      problems.push({
        ...base,
        id: "no-identity",
        severity,
        message: `nothing says which private key the host '${host.name}' decrypts with`,
        hint: 'name the file on the host: identities = ["/path/on/the/host"]',
      });
  }
  return problems;
}

/** One name in certificates for two hosts: the certificate of either stands for both. Names of machines know no case. */
export function reviewPrincipals(fleet: Fleet): Problem[] {
  const owners = new Map<string, string>();
  return [...fleet.hosts.values()].flatMap(({ name, file, principal, authorities }): Problem[] => {
    if (authorities.length === 0) return [];
    const other = owners.get(principal.toLowerCase());
    owners.set(principal.toLowerCase(), other ?? name);
    if (other === undefined) return [];
    return [
      {
        id: "shared-principal",
        severity: "medium",
        file,
        path: ["hosts", name],
        message: `'${principal}' is what certificates call the host '${name}', and the host '${other}' too`,
        hint: "give each a principal of its own",
      },
    ];
  });
}

/** One key with two owners: machines that were cloned with their host keys read each other's secrets. */
export function reviewSharedKeys(fleet: Fleet): Problem[] {
  const owners = new Map<string, string>();
  const problems: Problem[] = [];
  const own = (kind: "host" | "member", name: string, file: string, keys: Iterable<string>): void => {
    for (const key of new Set(keys)) {
      const other = owners.get(key);
      if (other === undefined) owners.set(key, `the ${kind} '${name}'`);
      else
        problems.push({
          id: "shared-key",
          severity: "medium",
          file,
          path: [`${kind}s`, name],
          message: `the ${kind} '${name}' has the same key as ${other}: each reads what is meant for the other`,
          hint:
            kind === "host"
              ? "make new host keys on one of the machines ('ssh-keygen -A' after removing the old ones)"
              : "give each a key of its own",
        });
    }
  };
  for (const host of fleet.hosts.values())
    own("host", host.name, host.file, [...host.hostKeys.map((key) => key.line), ...hostRecipients(host)]);
  for (const member of fleet.members.values())
    own("member", member.name, member.file, [
      ...member.keys.map((key) => key.line),
      ...memberRecipients(member),
    ]);
  return problems;
}
