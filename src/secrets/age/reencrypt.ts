import type { Random } from "../../core/ports.ts";
import { isArmored } from "./armor.ts";
import { decryptBytes } from "./decrypt.ts";
import { encryptBytes } from "./encrypt.ts";
import type { Identity } from "./identity.ts";
import type { Recipient } from "./recipient.ts";

/**
 * The same plaintext for other recipients, armored when it was. The file key is a new one: a recipient that is
 * gone may have kept the old key, which would open a file that was only wrapped anew.
 */
export async function reencrypt(
  file: Uint8Array,
  identities: readonly Identity[],
  recipients: readonly Recipient[],
  random: Random,
): Promise<Uint8Array> {
  const plaintext = await decryptBytes(file, identities);
  try {
    return await encryptBytes(plaintext.reveal(), recipients, random, { armor: isArmored(file) === true });
  } finally {
    plaintext.wipe();
  }
}
