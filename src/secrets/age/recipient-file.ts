/** Recipient files, as `age -R` takes them. */
import { utf8Text } from "../../core/bytes.ts";
import { at, NixsealError } from "../../core/errors.ts";
import { limits } from "./limits.ts";
import { parseRecipient, type RecipientContext } from "./parse-recipient.ts";
import type { Recipient } from "./recipient.ts";

export interface RecipientFile {
  readonly recipients: Recipient[];
  /** SSH keys of types that age has no stanza for; files taken from a forge are full of them. */
  readonly ignored: readonly { readonly type: string; readonly line: number }[];
}

/** One recipient a line between comments (`#`) and empty lines. `what` is the file's name, for errors. */
export function parseRecipientFile(file: Uint8Array, what: string, context: RecipientContext): RecipientFile {
  const where = { file: what };
  if (file.length > limits.keyFile)
    throw new NixsealError("limit", `recipient file is larger than ${limits.keyFile} bytes`, { where });
  const recipients: Recipient[] = [];
  const ignored: { type: string; line: number }[] = [];
  for (const [index, raw] of utf8Text(file, `recipient file ${what}`).split("\n").entries()) {
    const text = raw.trim();
    if (text === "" || text.startsWith("#")) continue;
    const line = index + 1;
    const type = unsupportedType(text);
    if (type !== null) {
      ignored.push({ type, line });
      continue;
    }
    if (recipients.length === limits.stanzas)
      throw new NixsealError("limit", `more than ${limits.stanzas} recipients`, { where });
    try {
      recipients.push(parseRecipient(text, context));
    } catch (error) {
      throw at(error, { ...where, line });
    }
  }
  if (recipients.length === 0)
    throw new NixsealError("malformed", "no recipient in the file", {
      hint: "a recipient is a line age1… or an SSH public key",
      where,
    });
  return { recipients, ignored };
}

/** Only whole types of keys are passed over. A key of a good type that is broken or too short is an error: it was meant. */
function unsupportedType(text: string): string | null {
  return (
    /^(?:ecdsa-sha2-nistp(?:256|384|521)|sk-[a-z0-9-]+@openssh\.com|ssh-dss)(?=[ \t])/.exec(text)?.[0] ?? null
  );
}
