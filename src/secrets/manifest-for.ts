import { identitiesOf } from "../inventory/identities.ts";
import type { Fleet, Host, Secret } from "../inventory/model.ts";
import { secretsOf } from "../inventory/recipients.ts";
import type { Manifest, ManifestSecret } from "./manifest.ts";

/**
 * What a host installs, from the inventory. `digestOf` gives the sha256 of a secret's ciphertext file, hex. Throws
 * `config` when the host has no identity. `nix/lib.nix` computes the same; a test compares the two byte for byte.
 */
export async function manifestFor(
  fleet: Fleet,
  host: Host,
  digestOf: (secret: Secret) => Promise<string>,
): Promise<Manifest> {
  const secrets = await Promise.all(
    secretsOf(fleet, host).map(async (secret) => manifestSecret(secret, await digestOf(secret))),
  );
  return { version: 1, host: host.name, identities: identitiesOf(host), secrets };
}

function manifestSecret(secret: Secret, digest: string): ManifestSecret {
  const { name, path, owner, group, mode, stage, restart, reload, credential, together } = secret;
  const source = `secrets/${name}.age`;
  return { name, source, digest, path, owner, group, mode, stage, restart, reload, credential, together };
}
