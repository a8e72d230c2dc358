import { base64Unpadded } from "../../core/bytes.ts";

/**
 * One entry of a header: the file key, wrapped for one recipient (age v1 specification, "Recipient stanza").
 * `args[0]` is its type; the arguments are printable ASCII without spaces.
 */
export interface Stanza {
  readonly args: string[];
  readonly body: Uint8Array;
}

/** Characters of a full line of a stanza's body and of armor: 48 bytes. */
export const columns = 64;

/** The body is wrapped at 64 columns and ends with a line of less than that, even an empty one. */
export function encodeStanza(stanza: Stanza): string {
  const body = base64Unpadded(stanza.body);
  let text = `-> ${stanza.args.join(" ")}\n`;
  for (let start = 0; start <= body.length; start += columns)
    text += `${body.slice(start, start + columns)}\n`;
  return text;
}

/** One or more printable ASCII characters that are no space: what may stand between the spaces of a stanza's first line. */
export function isArgument(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text);
}
