import { NixsealError } from "../../core/errors.ts";
import { SecretValue } from "../../core/secret-value.ts";
import { decodeBech32 } from "./bech32.ts";
import { HybridIdentity } from "./hybrid.ts";
import type { KeyIdentity } from "./identity.ts";
import type { PluginHost } from "./plugin/host.ts";
import { PluginIdentity } from "./plugin/identity.ts";
import { X25519Identity } from "./x25519.ts";

/** What identities need to do their work. Without a callback what would need it is `refused`. */
export interface IdentityContext {
  /** Asked for a key that is behind a passphrase, when a file really is for that key. */
  readonly passphrase?: ((question: string) => Promise<SecretValue>) | undefined;
  /** For identities of plugins (`AGE-PLUGIN-NAME-1…`). */
  readonly plugins?: PluginHost | undefined;
}

/**
 * One identity from its text: `AGE-SECRET-KEY-1…`, `AGE-SECRET-KEY-PQ-1…` or `AGE-PLUGIN-NAME-1…`.
 * `malformed` when it is none. No message repeats the text.
 */
export function parseIdentity(text: string, { plugins }: IdentityContext): KeyIdentity {
  if (!/^AGE-(SECRET-KEY|PLUGIN)-/.test(text)) throw unknown(text);
  const { prefix, data } = decodeBech32(text);
  if (prefix === "age-secret-key-") return new X25519Identity(data);
  if (prefix === "age-secret-key-pq-") return new HybridIdentity(new SecretValue(data));
  const name = /^age-plugin-(.+)-$/.exec(prefix)?.[1];
  if (name === undefined) throw unknown(text);
  if (plugins === undefined)
    throw new NixsealError("refused", `identity needs age-plugin-${name}, and plugins are not used here`);
  return new PluginIdentity(name, text, plugins);
}

function unknown(text: string): NixsealError {
  const isRecipient = /^(age1|ssh-|ecdsa-|sk-)/.test(text);
  return new NixsealError(
    "malformed",
    isRecipient ? "a recipient stands where an identity belongs" : "unknown kind of identity",
    { hint: "an identity is AGE-SECRET-KEY-1…, AGE-PLUGIN-… or a file with an SSH private key" },
  );
}
