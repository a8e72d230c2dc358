/** ASCII armor (age v1 specification, "ASCII armor"): strict PEM (RFC 7468), 64 columns. */
import { base64, concat, fromBase64, utf8 } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { limits } from "./limits.ts";
import { columns } from "./stanza.ts";

const begin = "-----BEGIN AGE ENCRYPTED FILE-----";
const end = "-----END AGE ENCRYPTED FILE-----";
const bytesPerLine = 48;

/** Whether the file starts like armor, or null when more bytes are needed to tell. A binary age file starts with a letter. */
export function isArmored(start: Uint8Array): boolean | null {
  const first = start.subarray(0, limits.armorWhitespace + 1).findIndex((byte) => !isSpace(byte));
  if (first === -1) return start.length > limits.armorWhitespace ? false : null;
  return start[first] === 0x2d; // a hyphen
}

/** Armor in pieces: bytes go in by `write`, bytes come out; `finish` gives the end. */
export class ArmorEncoder {
  #rest: Uint8Array = new Uint8Array();
  #text = `${begin}\n`;

  write(bytes: Uint8Array): Uint8Array {
    const pending = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const whole = pending.length - (pending.length % bytesPerLine);
    this.#rest = Uint8Array.from(pending.subarray(whole));
    return utf8(this.#take() + lines(base64(pending.subarray(0, whole))));
  }

  finish(): Uint8Array {
    return utf8(`${this.#take()}${lines(base64(this.#rest))}${end}\n`);
  }

  #take(): string {
    const text = this.#text;
    this.#text = "";
    return text;
  }
}

export function encodeArmor(bytes: Uint8Array): Uint8Array {
  const encoder = new ArmorEncoder();
  return concat(encoder.write(bytes), encoder.finish());
}

function lines(text: string): string {
  return text.replace(/.{1,64}/g, "$&\n");
}

/**
 * Reads armor in pieces. Line ends are LF or CRLF; blank space is accepted before and after, as age does. Every
 * other difference is `malformed`. Not all of the armor is known to be right before `finish` was called.
 */
export class ArmorDecoder {
  #state: "before" | "body" | "footer" | "after" = "before";
  #partial = "";
  #blank = 0;
  #line = 0;
  /** Full lines that wait to be decoded together, which is faster. */
  #full: string[] = [];

  write(bytes: Uint8Array): Uint8Array {
    const text =
      this.#partial + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
    const decoded: Uint8Array[] = [];
    let start = 0;
    for (let stop = text.indexOf("\n"); stop !== -1; stop = text.indexOf("\n", start)) {
      this.#readLine(text.slice(start, stop), decoded);
      start = stop + 1;
    }
    this.#partial = text.slice(start);
    this.#requireBounds();
    decoded.push(this.#decodeFull());
    return Buffer.concat(decoded);
  }

  /** The last line needs no line end. */
  finish(): Uint8Array {
    const decoded: Uint8Array[] = [];
    if (this.#partial !== "") this.#readLine(this.#partial, decoded);
    this.#partial = "";
    if (this.#state !== "after") throw malformed("it is cut short", this.#line);
    return Buffer.concat(decoded);
  }

  #readLine(raw: string, decoded: Uint8Array[]): void {
    this.#line += 1;
    const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
    if (this.#state === "body") this.#readBodyLine(line, decoded);
    else if (this.#state === "footer") this.#readFooter(line);
    else if (isBlank(line)) this.#countBlank(raw.length + 1);
    else if (this.#state === "before" && line === begin) [this.#state, this.#blank] = ["body", 0];
    else
      throw malformed(this.#state === "before" ? "unknown first line" : "something follows it", this.#line);
  }

  #readBodyLine(line: string, decoded: Uint8Array[]): void {
    if (line.length === columns && !line.endsWith("=")) {
      this.#full.push(line);
      return;
    }
    decoded.push(this.#decodeFull());
    if (line === end) {
      this.#state = "after";
      return;
    }
    if (line.length === 0 || line.length > columns)
      throw malformed("a line is empty or too long", this.#line);
    decoded.push(this.#decode(line));
    this.#state = "footer";
  }

  #readFooter(line: string): void {
    if (line !== end) throw malformed("a short line is not the last one", this.#line);
    this.#state = "after";
  }

  #decodeFull(): Uint8Array {
    if (this.#full.length === 0) return new Uint8Array();
    const text = this.#full.join("");
    this.#full = [];
    return this.#decode(text);
  }

  #decode(text: string): Uint8Array {
    const bytes = fromBase64(text);
    if (bytes === null) throw malformed("not canonical base64", this.#line);
    return bytes;
  }

  #countBlank(length: number): void {
    this.#blank += length;
    if (this.#blank > limits.armorWhitespace) throw malformed("too much blank space around it", this.#line);
  }

  /** A line that never ends is not collected for long. */
  #requireBounds(): void {
    const outside = this.#state === "before" || this.#state === "after";
    const most = outside ? limits.armorWhitespace + begin.length : columns + 1;
    if (this.#partial.length > most) throw malformed("a line is too long", this.#line + 1);
  }
}

/** `malformed` unless the bytes are one armored file and nothing else. */
export function decodeArmor(bytes: Uint8Array): Uint8Array {
  const decoder = new ArmorDecoder();
  return Buffer.concat([decoder.write(bytes), decoder.finish()]);
}

function isBlank(line: string): boolean {
  return /^[\t\v\f\r ]*$/.test(line);
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

function malformed(fault: string, line: number): NixsealError {
  return new NixsealError("malformed", `armor is malformed: ${fault}`, { where: { line } });
}
