/** SSH private keys as identities. */
import { NixsealError } from "../../core/errors.ts";
import type { Random } from "../../core/ports.ts";
import type { PrivateKey } from "../../ssh/private-key-material.ts";
import { parsePrivateKey } from "../../ssh/private-key.ts";
import type { PublicKey } from "../../ssh/public-key.ts";
import type { KeyIdentity } from "./identity.ts";
import type { IdentityContext } from "./parse-identity.ts";
import { sshRecipient } from "./parse-recipient.ts";
import type { Recipient } from "./recipient.ts";
import { SshEd25519Identity } from "./ssh-ed25519.ts";
import { SshRsaIdentity } from "./ssh-rsa.ts";
import { sshTag } from "./ssh-tag.ts";
import type { Stanza } from "./stanza.ts";

/** From a private key file as ssh-keygen writes it; `what` names it in questions. */
export function parseSshIdentity(
  file: Uint8Array,
  what: string,
  { passphrase }: IdentityContext,
): KeyIdentity {
  const parsed = parsePrivateKey(file);
  if (parsed.state === "ready") return sshIdentity(parsed.key);
  requireUsable(parsed.publicKey);
  return new LockedSshIdentity(parsed.publicKey, async () => {
    if (passphrase === undefined)
      throw new NixsealError("refused", `${what} is behind a passphrase, and there is nobody to ask`);
    return sshIdentity(await parsed.decrypt(await passphrase(`Passphrase for ${what}: `)));
  });
}

/** A key behind a passphrase: asks when a stanza's tag is that of its public half, so that nobody is asked in vain. */
class LockedSshIdentity implements KeyIdentity {
  readonly #publicKey: PublicKey;
  readonly #tag: string;
  readonly #unlock: () => Promise<KeyIdentity>;
  #unlocked: Promise<KeyIdentity> | undefined;

  constructor(publicKey: PublicKey, unlock: () => Promise<KeyIdentity>) {
    this.#publicKey = publicKey;
    this.#tag = sshTag(publicKey.blob);
    this.#unlock = unlock;
  }

  recipients(random: Random): Recipient[] {
    return [sshRecipient(this.#publicKey, random)];
  }

  async unwrapFileKey(stanzas: Stanza[]): Promise<Uint8Array | null> {
    const matches = stanzas.some(({ args }) => args[0] === this.#publicKey.type && args[1] === this.#tag);
    if (!matches) return null;
    this.#unlocked ??= this.#unlock();
    return (await this.#unlocked).unwrapFileKey(stanzas);
  }
}

function sshIdentity(key: PrivateKey): KeyIdentity {
  if (key.type === "ssh-ed25519") return new SshEd25519Identity(key);
  if (key.type === "ssh-rsa") return new SshRsaIdentity(key);
  throw unusable(key.type);
}

function requireUsable(key: PublicKey): void {
  if (key.type !== "ssh-ed25519" && key.type !== "ssh-rsa") throw unusable(key.type);
}

function unusable(type: string): NixsealError {
  return new NixsealError("refused", `age cannot decrypt with keys of type ${type}`, {
    hint: "use an ed25519 or RSA key, or an age key",
  });
}
