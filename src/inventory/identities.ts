import { NixsealError } from "../core/errors.ts";
import type { Host } from "./model.ts";

/** Where sshd keeps the private halves of host keys that age can decrypt with. */
const hostKeyFiles: Readonly<Record<string, string>> = {
  "ssh-ed25519": "/etc/ssh/ssh_host_ed25519_key",
  "ssh-rsa": "/etc/ssh/ssh_host_rsa_key",
};

/**
 * The files on the host with private keys to try, in order, without repeats: `identities` when given, else by the
 * types of `host_keys`. Empty when there is no telling, which `identitiesOf` makes an error.
 */
export function identityFiles(host: Host): readonly string[] {
  const files =
    host.identities.length > 0
      ? host.identities
      : host.hostKeys.flatMap((key) => hostKeyFiles[key.type] ?? []);
  return [...new Set(files)];
}

/** As `identityFiles`; throws `config` when there is none: the host could not decrypt what it gets. */
export function identitiesOf(host: Host): readonly string[] {
  const files = identityFiles(host);
  if (files.length > 0) return files;
  throw new NixsealError(
    "config",
    `the host '${host.name}' has neither identities nor a host key that age can use`,
    {
      hint: `name the file with its private key: hosts.${host.name}.identities = ["/path/on/the/host"]`,
      where: { file: host.file },
    },
  );
}
