import { NixsealError } from "../../core/errors.ts";
import type { Random } from "../../core/ports.ts";
import { parsePublicKeyLine } from "../../ssh/public-key-line.ts";
import type { PublicKey } from "../../ssh/public-key.ts";
import { decodeBech32 } from "./bech32.ts";
import { HybridRecipient } from "./hybrid.ts";
import { limits } from "./limits.ts";
import type { PluginHost } from "./plugin/host.ts";
import { PluginRecipient } from "./plugin/recipient.ts";
import type { Recipient } from "./recipient.ts";
import { SshEd25519Recipient } from "./ssh-ed25519.ts";
import { SshRsaRecipient } from "./ssh-rsa.ts";
import { HybridTagRecipient, TagRecipient } from "./tag.ts";
import { X25519Recipient } from "./x25519.ts";

/** What recipients need to do their work. */
export interface RecipientContext {
  readonly random: Random;
  /** For recipients of plugins (`age1NAME1…`); without it they are `refused`. */
  readonly plugins?: PluginHost | undefined;
}

/**
 * From its text: `age1…`, `age1pq1…`, `age1tag1…`, `age1tagpq1…`, `age1NAME1…` of a plugin, or an SSH public key.
 * `malformed` when it is none; `refused` for key types that age cannot encrypt to.
 */
export function parseRecipient(text: string, context: RecipientContext): Recipient {
  if (text.length > limits.keyLine)
    throw new NixsealError("limit", `recipient has more than ${limits.keyLine} characters`);
  if (text.startsWith("age1")) return parseAge(text, context);
  if (/^(ssh|ecdsa|sk)-/.test(text)) return parseSsh(text, context);
  throw unknown(text);
}

function parseAge(text: string, { random, plugins }: RecipientContext): Recipient {
  const { prefix, data } = decodeBech32(text);
  if (prefix === "age") return new X25519Recipient(data, random);
  if (prefix === "age1pq") return new HybridRecipient(data, random);
  if (prefix === "age1tag") return new TagRecipient(data, random);
  if (prefix === "age1tagpq") return new HybridTagRecipient(data, random);
  const name = prefix.slice("age1".length);
  if (plugins === undefined)
    throw new NixsealError("refused", `recipient needs age-plugin-${name}, and plugins are not used here`);
  return new PluginRecipient(name, "add-recipient", text, plugins);
}

function parseSsh(text: string, { random }: RecipientContext): Recipient {
  return sshRecipient(parsePublicKeyLine(text).key, random);
}

/** `refused` for the types that age has no stanza for. */
export function sshRecipient(key: PublicKey, random: Random): Recipient {
  if (key.type === "ssh-ed25519") return new SshEd25519Recipient(key, random);
  if (key.type === "ssh-rsa") return new SshRsaRecipient(key);
  throw new NixsealError("refused", `age cannot encrypt to keys of type ${key.type}`, {
    hint: "use an ed25519 or RSA key, or an age key",
  });
}

function unknown(text: string): NixsealError {
  if (/^age-(secret-key|plugin)-/i.test(text))
    return new NixsealError("malformed", "an identity stands where a recipient belongs", {
      hint: "`age-keygen -y` prints the recipient; treat the identity as seen by others if this was saved or logged",
    });
  return new NixsealError("malformed", "unknown kind of recipient", {
    hint: "a recipient is age1… or an SSH public key",
  });
}
