/** By what a host is known: the keys that the inventory pins, and certificates of the fleet's host CA. */
import { createHash } from "node:crypto";
import type { Host, SshKey } from "../inventory/model.ts";

/** known_hosts(5) with the inventory's keys, each under the host's name in the fleet, and the CAs under the names that they may certify. */
export function knownHostsOf(hosts: readonly Host[]): string {
  const line = (host: Host, mark: string, key: SshKey): string => `${mark}${aliasOf(host)} ${key.line}\n`;
  return hosts
    .flatMap((host) => [
      ...host.hostKeys.map((key) => line(host, "", key)),
      ...host.authorities.map((key) => line(host, "@cert-authority ", key)),
    ])
    .join("");
}

/**
 * HostKeyAlias: what known_hosts is searched for. Where there is a CA it is the name that the certificate must have among its
 * principals: ssh compares them with the alias, not with the address (sshconnect.c, check_host_key).
 */
export function aliasOf(host: Host): string {
  return host.authorities.length === 0 ? ownName(host) : host.principal.toLowerCase();
}

/**
 * Not a name that DNS or the person's configuration knows, so that no key of theirs can stand in. ssh makes it lower
 * case: `Web` must not become `web`.
 */
export function ownName({ name }: Host): string {
  const lower = name.toLowerCase();
  const mark = lower === name ? "" : `.${createHash("sha256").update(name).digest("hex").slice(0, 16)}`;
  return `nixseal.${lower}${mark}`;
}

/** Null when it was not the host's key that ssh did not take. */
export function hostKeyRefusal(
  { name, principal, hostKeys, authorities }: Host,
  stderr: string,
): { readonly message: string; readonly hint: string } | null {
  if (!/IDENTIFICATION HAS CHANGED|host key is known for|Host key verification failed/i.test(stderr))
    return null;
  const found = /(SHA256:[A-Za-z0-9+/]{43})/.exec(stderr)?.[1];
  if (/ revoked by file /.test(stderr))
    return {
      message: `its host key is revoked: ${found ?? "by its certificate"}`,
      hint: `if it has a new one: nixseal host remove ${name}, then host add; else somebody holds its old key`,
    };
  const pinned = hostKeys.map(({ fingerprint }) => fingerprint).join(", ");
  const ca = authorities.map(({ fingerprint }) => fingerprint).join(", ");
  const invalid = /^Certificate invalid: (.{1,200}?)\r?$/m.exec(stderr)?.[1];
  if (authorities.length > 0 && invalid !== undefined)
    return {
      message: `its host certificate does not hold: ${invalid}`,
      hint: `ssh-keygen -s CA -h -I ${name} -n ${principal} -V +52w HOST_KEY.pub makes one; 'principal' in fleet.toml names another name`,
    };
  if (hostKeys.length === 0)
    return {
      message: `it has no certificate of a host CA of the fleet (${ca})`,
      hint: `does its sshd have a HostCertificate for ${principal}? else somebody stands between`,
    };
  return {
    message: `its host key is not the pinned one: found ${found ?? "another key"}, pinned ${pinned}${ca === "" ? "" : `, and no certificate of ${ca}`}`,
    hint: `if it was reinstalled: nixseal host remove ${name}, then host add, and rekey its secrets; else somebody stands between`,
  };
}
