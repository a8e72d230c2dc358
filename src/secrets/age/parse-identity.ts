import { NixsealError } from "../../core/errors.ts";
import { SecretValue } from "../../core/secret-value.ts";
import type { PrivateKey } from "../../ssh/private-key-material.ts";
import { parsePrivateKey } from "../../ssh/private-key.ts";
import type { PublicKey } from "../../ssh/public-key.ts";
import { decodeBech32 } from "./bech32.ts";
import { HybridIdentity } from "./hybrid.ts";
import type { Identity } from "./identity.ts";
import { SshEd25519Identity } from "./ssh-ed25519.ts";
import { SshRsaIdentity } from "./ssh-rsa.ts";
import { sshTag } from "./ssh-tag.ts";
import type { Stanza } from "./stanza.ts";
import { X25519Identity } from "./x25519.ts";

/** What identities need to do their work. Without a callback what would need it is `refused`. */
export interface IdentityContext {
  /** Asked for a key that is behind a passphrase, when a file really is for that key. */
  readonly passphrase?: ((question: string) => Promise<SecretValue>) | undefined;
  /** Identities of plugins (`AGE-PLUGIN-NAME-1…`). */
  readonly plugin?: ((name: string, identity: string) => Identity) | undefined;
}

/**
 * One identity from its text: `AGE-SECRET-KEY-1…`, `AGE-SECRET-KEY-PQ-1…` or `AGE-PLUGIN-NAME-1…`.
 * `malformed` when it is none. No message repeats the text.
 */
export function parseIdentity(text: string, { plugin }: IdentityContext): Identity {
  if (!/^AGE-(SECRET-KEY|PLUGIN)-/.test(text)) throw unknown(text);
  const { prefix, data } = decodeBech32(text);
  if (prefix === "age-secret-key-") return new X25519Identity(data);
  if (prefix === "age-secret-key-pq-") return new HybridIdentity(new SecretValue(data));
  const name = /^age-plugin-(.+)-$/.exec(prefix)?.[1];
  if (name === undefined) throw unknown(text);
  if (plugin === undefined)
    throw new NixsealError("refused", `identity needs age-plugin-${name}, and plugins are not used here`);
  return plugin(name, text);
}

/** From a private key file as ssh-keygen writes it; `what` names it in questions. */
export function parseSshIdentity(file: Uint8Array, what: string, { passphrase }: IdentityContext): Identity {
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
class LockedSshIdentity implements Identity {
  readonly #type: string;
  readonly #tag: string;
  readonly #unlock: () => Promise<Identity>;
  #unlocked: Promise<Identity> | undefined;

  constructor(publicKey: PublicKey, unlock: () => Promise<Identity>) {
    this.#type = publicKey.type;
    this.#tag = sshTag(publicKey.blob);
    this.#unlock = unlock;
  }

  async unwrapFileKey(stanzas: Stanza[]): Promise<Uint8Array | null> {
    const matches = stanzas.some(({ args }) => args[0] === this.#type && args[1] === this.#tag);
    if (!matches) return null;
    this.#unlocked ??= this.#unlock();
    return (await this.#unlocked).unwrapFileKey(stanzas);
  }
}

function sshIdentity(key: PrivateKey): Identity {
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

function unknown(text: string): NixsealError {
  const isRecipient = /^(age1|ssh-|ecdsa-|sk-)/.test(text);
  return new NixsealError(
    "malformed",
    isRecipient ? "a recipient stands where an identity belongs" : "unknown kind of identity",
    { hint: "an identity is AGE-SECRET-KEY-1…, AGE-PLUGIN-… or a file with an SSH private key" },
  );
}
