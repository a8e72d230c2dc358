/** The header lines of commits and tags, as raw bytes have them: git's `commit.c`, `tag.c` and `fsck.c`. */
import { NixsealError } from "../../core/errors.ts";

export interface ObjectHeader {
  readonly name: string;
  /** Bytes as Latin-1, continuation lines joined by line feeds without the space that marks them. */
  readonly value: string;
  /** Where its lines begin and end in the object, in bytes. */
  readonly start: number;
  readonly end: number;
}

export interface SplitObject {
  readonly headers: readonly ObjectHeader[];
  /** The offset of the message, behind the empty line. */
  readonly message: number;
}

const maximumHeaders = 10_000;

/** `malformed` where the bytes are no `NAME VALUE` lines, an empty line and a message. */
export function splitObject(body: Uint8Array): SplitObject {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const blank = bytes.indexOf("\n\n");
  if (blank === -1) throw malformed("has no empty line between headers and message");
  // C code ends a text here: git would show another message, and take other headers, than what was signed.
  if (bytes.includes(0)) throw malformed("has a NUL byte");
  const headers: ObjectHeader[] = [];
  let start = 0;
  for (const line of bytes.toString("latin1", 0, blank).split("\n")) {
    const end = start + line.length + 1;
    if (line.startsWith(" ")) {
      const header = headers.pop();
      if (header === undefined) throw malformed("begins with a continuation line");
      headers.push({ ...header, value: `${header.value}\n${line.slice(1)}`, end });
    } else {
      const space = line.indexOf(" ");
      if (space < 1) throw malformed("has a header line without a name or a value");
      headers.push({ name: line.slice(0, space), value: line.slice(space + 1), start, end });
    }
    if (headers.length > maximumHeaders) throw malformed(`has more than ${maximumHeaders} headers`);
    start = end;
  }
  return { headers, message: blank + 2 };
}

export function malformed(fault: string): NixsealError {
  return new NixsealError("malformed", `the object ${fault}`);
}
