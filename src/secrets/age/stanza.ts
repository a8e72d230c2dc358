import { base64Unpadded, fromBase64 } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { limits } from "./limits.ts";

/**
 * One entry of a header: the file key, wrapped for one recipient (age v1 specification, "Recipient stanza").
 * `args[0]` is its type; the arguments are printable ASCII without spaces. Plugins speak in stanzas as well.
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

/** Reads stanzas from lines without their line ends. Strict: one spelling a stanza. */
export class StanzaReader {
  #args: string[] | undefined;
  #body: string[] = [];

  /** Whether a stanza has begun and not ended. */
  get inside(): boolean {
    return this.#args !== undefined;
  }

  /** The stanza that ends with this line, or null. `number` is the line's, for errors. */
  push(line: string, number: number): Stanza | null {
    if (this.#args === undefined) {
      this.#args = readArguments(line, number);
      this.#body = [];
      return null;
    }
    if (line.length > columns) throw malformed("a line of a stanza's body is too long", number);
    this.#body.push(line);
    if (line.length === columns) return null; // the last line is shorter, so that the end needs no mark
    const body = fromBase64(this.#body.join(""), "unpadded");
    if (body === null) throw malformed("a stanza's body is not canonical base64", number);
    const stanza = { args: this.#args, body };
    this.#args = undefined;
    return stanza;
  }
}

function readArguments(line: string, number: number): string[] {
  if (!line.startsWith("-> ")) throw malformed("a line is neither a stanza nor the MAC", number);
  const args = line.length > limits.argumentLine ? [] : line.slice(3).split(" ", limits.arguments + 1);
  if (args.length === 0 || args.length > limits.arguments)
    throw new NixsealError("limit", "a stanza has too many or too long arguments", {
      where: { line: number },
    });
  if (!args.every(isArgument)) throw malformed("an argument is empty or not printable ASCII", number);
  return args;
}

function malformed(fault: string, line: number): NixsealError {
  return new NixsealError("malformed", `header is malformed: ${fault}`, { where: { line } });
}
