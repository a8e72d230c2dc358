import { decodeArmor, isArmored } from "../../src/secrets/age/armor.ts";
import { encodeBech32 } from "../../src/secrets/age/bech32.ts";
import type { KeyIdentity } from "../../src/secrets/age/identity.ts";
import { parseIdentity } from "../../src/secrets/age/parse-identity.ts";
import type { Recipient } from "../../src/secrets/age/recipient.ts";
import { random } from "./age-tools.ts";

/** An age identity as text, made without any program. */
export function newIdentity(): string {
  return encodeBech32("age-secret-key-", random.bytes(32)).toUpperCase();
}

/** One key, and its recipient beside two of others. */
export function exampleKeys(): { identities: KeyIdentity[]; recipients: Recipient[] } {
  const all = [newIdentity(), newIdentity(), newIdentity()].map((text) => parseIdentity(text, {}));
  return {
    identities: [all[1]!],
    recipients: all.flatMap((identity) => identity.recipients(random) as Recipient[]),
  };
}

/** The file without its armor, which may have blank space around it and either line end; itself when it is broken. */
export function armoredOrNot(file: Uint8Array): Uint8Array {
  try {
    return isArmored(file) === true ? decodeArmor(file) : file;
  } catch {
    return file;
  }
}
