/** The header of a file (age v1 specification, "Header"): version, stanzas, MAC. */
import { createHmac, timingSafeEqual } from "node:crypto";
import { base64Unpadded, concat, fromBase64, utf8 } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { hkdf } from "./hkdf.ts";
import { limits } from "./limits.ts";
import { requireAlone } from "./scrypt.ts";
import { encodeStanza, StanzaReader, type Stanza } from "./stanza.ts";

export const version = "age-encryption.org/v1";

export interface Header {
  readonly stanzas: Stanza[];
  /** What the MAC is computed over: the header up to and including `---`, as it stands in the file. */
  readonly covered: Uint8Array;
  readonly mac: Uint8Array;
  /** Bytes of the whole header; the payload follows. */
  readonly size: number;
}

/** Takes the stanzas as they are: whether they may stand together is for the caller to say. */
export function encodeHeader(stanzas: readonly Stanza[], fileKey: Uint8Array): Uint8Array {
  const covered = utf8(`${version}\n${stanzas.map(encodeStanza).join("")}---`);
  return concat(covered, utf8(` ${base64Unpadded(headerMac(covered, fileKey))}\n`));
}

/** Nothing of a file is used before this holds: it proves that the file's maker knew the file key. */
export function verifyHeaderMac(header: Header, fileKey: Uint8Array): void {
  if (!timingSafeEqual(headerMac(header.covered, fileKey), header.mac))
    throw new NixsealError("malformed", "the header was altered: its MAC does not hold", {
      hint: "take the file from a copy that is known to be good",
    });
}

function headerMac(covered: Uint8Array, fileKey: Uint8Array): Uint8Array {
  const key = hkdf(fileKey, new Uint8Array(), "header");
  return createHmac("sha256", key).update(covered).digest();
}

/**
 * Where the header ends, or null when `bytes` do not reach that far. Says no (`malformed`, `limit`) as soon as
 * what is there cannot be the start of a header, so that nobody waits for the end of something else.
 * `from` is how far an earlier call with fewer bytes has looked.
 */
export function findHeaderEnd(bytes: Uint8Array, from = 0): number | null {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, version.length + 1));
  const line = `${version}\n`;
  if (start.toString("latin1") !== line.slice(0, start.length))
    throw unknownVersion(start.toString("latin1"));
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const last = buffer.indexOf("\n---", Math.max(0, from - 4), "latin1");
  const end = last === -1 ? -1 : buffer.indexOf("\n", last + 1, "latin1");
  if ((end === -1 ? bytes.length : end) > limits.header)
    throw new NixsealError("limit", `header has more than ${limits.header} bytes`);
  // The MAC line has 47 characters; a longer one is found out here and not at the end of the file.
  if (last !== -1 && end === -1 && bytes.length - last > macLine)
    throw malformed("its last line is too long");
  return end === -1 ? null : end + 1;
}

const macLine = 64;

/** Strict: one spelling a header. `bytes` may go on behind the header; see `size`. */
export function parseHeader(bytes: Uint8Array): Header {
  const size = findHeaderEnd(bytes);
  if (size === null) throw malformed("it is cut short");
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, size).toString("latin1");
  const reader = new StanzaReader();
  const stanzas: Stanza[] = [];
  let number = 1; // the version, looked at by findHeaderEnd
  let start = version.length + 1;
  let line = "";
  for (; start < size; start += line.length + 1) {
    line = text.slice(start, text.indexOf("\n", start));
    number += 1;
    if (!reader.inside && line.startsWith("---")) break;
    const stanza = reader.push(line, number);
    if (stanza !== null) stanzas.push(stanza);
    if (stanzas.length > limits.stanzas)
      throw new NixsealError("limit", `header has more than ${limits.stanzas} stanzas`);
  }
  const mac = line.startsWith("--- ") ? fromBase64(line.slice(4), "unpadded") : null;
  if (mac?.length !== 32) throw malformed("its MAC is not 32 bytes of canonical base64", number);
  if (stanzas.length === 0) throw malformed("it has no stanza");
  requireAlone(stanzas);
  return { stanzas, covered: bytes.subarray(0, start + "---".length), mac, size };
}

function unknownVersion(start: string): NixsealError {
  if (start === `${version}\r`)
    return new NixsealError("malformed", "age file with the line ends of Windows", {
      hint: "it went through a text conversion: copy it as binary, or encrypt with --armor",
    });
  if (start.startsWith("age-encryption.org/"))
    return new NixsealError("malformed", "age file of an unknown version", {
      hint: `only ${version} is known`,
    });
  const converted = start.startsWith("\xff\xfe") || start.startsWith("\xfe\xff");
  return new NixsealError("malformed", "not an age file", {
    hint: converted
      ? "it went through a text conversion (PowerShell's '>' does this): write it with -o"
      : undefined,
  });
}

function malformed(fault: string, line?: number): NixsealError {
  return new NixsealError("malformed", `header is malformed: ${fault}`, { where: { line } });
}
