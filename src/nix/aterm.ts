import { utf8Text } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";

const quote = 0x22;
const backslash = 0x5c;
const unescaped: Readonly<Record<number, number>> = {
  [quote]: quote,
  [backslash]: backslash,
  [0x6e]: 0x0a,
  [0x72]: 0x0d,
  [0x74]: 0x09,
};
const mustBeEscaped = new Set([0x0a, 0x0d, 0x09]);

/**
 * Reads the part of the ATerm text format that derivations use: constructors, strings, lists. Only the
 * spelling that Nix writes is accepted, so that a file which parses is the only file with that content.
 * Errors are `malformed` with the byte offset.
 */
export class ATermReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get offset(): number {
    return this.#at;
  }

  /** Whether these characters come next; if so they are read. */
  skip(text: string): boolean {
    if (this.#bytes.toString("latin1", this.#at, this.#at + text.length) !== text) return false;
    this.#at += text.length;
    return true;
  }

  expect(text: string): void {
    if (!this.skip(text)) throw this.fault(`expected '${text}'`);
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw this.fault("bytes follow the end of the derivation");
  }

  string(): string {
    this.expect('"');
    const start = this.#at;
    let escapes = 0;
    for (; this.#bytes[this.#at] !== quote; this.#at++) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) throw this.fault("a string does not end");
      if (mustBeEscaped.has(byte)) throw this.fault("a control character that Nix would have escaped");
      if (byte !== backslash) continue;
      escapes++;
      if (unescaped[this.#bytes[++this.#at] ?? -1] === undefined)
        throw this.fault("an escape that Nix does not write");
    }
    const content = this.#bytes.subarray(start, this.#at++);
    try {
      return utf8Text(escapes === 0 ? content : unescape(content, escapes), "a string of the derivation");
    } catch (cause) {
      throw this.fault("a string is not UTF-8", start, cause);
    }
  }

  /** `[a,b]`, each read by `item`. */
  list<T>(item: () => T): T[] {
    this.expect("[");
    const items: T[] = [];
    if (this.skip("]")) return items;
    do items.push(item());
    while (this.skip(","));
    this.expect("]");
    return items;
  }

  /** A list that Nix keeps as a set: in the order of the keys' bytes, no key twice. */
  set<T>(item: () => T, key: (item: T) => string): T[] {
    let previous: string | undefined;
    return this.list(() => {
      const start = this.#at;
      const next = item();
      if (previous !== undefined && Buffer.compare(Buffer.from(previous), Buffer.from(key(next))) >= 0)
        throw this.fault("a list that is not sorted, or holds something twice", start);
      previous = key(next);
      return next;
    });
  }

  fault(message: string, offset: number = this.#at, cause?: unknown): NixsealError {
    return new NixsealError("malformed", message, { where: { offset }, cause });
  }
}

function unescape(content: Uint8Array, escapes: number): Uint8Array {
  const result = new Uint8Array(content.length - escapes);
  for (let from = 0, to = 0; from < content.length; from++, to++)
    result[to] = content[from] === backslash ? unescaped[content[++from]!]! : content[from]!;
  return result;
}
