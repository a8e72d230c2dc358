import type { Random } from "../../core/ports.ts";
import type { NamedRecipient } from "../../inventory/recipients.ts";
import { encryptBytes } from "../age/encrypt.ts";
import type { Recipient } from "../age/recipient.ts";

/** One secret to encrypt: plain data, so that it can be handed to another thread. */
export interface SealJob {
  readonly plaintext: Uint8Array;
  /** age recipients as text. */
  readonly recipients: readonly string[];
  readonly armor: boolean;
}

export type ParseRecipient = (text: string) => Recipient | Promise<Recipient>;

/** Each recipient once: one key of two people gets one stanza. */
export function recipientTexts(wanted: readonly NamedRecipient[]): string[] {
  return [...new Set(wanted.map(({ recipient }) => recipient))];
}

/**
 * A function that encrypts one secret after another. It parses a recipient once, however many secrets it is of:
 * that is a good part of the time that a rekey takes.
 */
export function sealer(
  parse: ParseRecipient,
  random: Random,
): (jobs: readonly SealJob[]) => Promise<Uint8Array[]> {
  const parsed = new Map<string, Recipient>();
  return async (jobs) => {
    const files: Uint8Array[] = [];
    for (const { plaintext, recipients, armor } of jobs) {
      const whom: Recipient[] = [];
      for (const text of recipients) {
        const recipient = parsed.get(text) ?? (await parse(text));
        parsed.set(text, recipient);
        whom.push(recipient);
      }
      files.push(await encryptBytes(plaintext, whom, random, { armor }));
    }
    return files;
  };
}
