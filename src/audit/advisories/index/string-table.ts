import { utf8 } from "../../../core/bytes.ts";
import { Words } from "./words.ts";

/** Strings by number, each kept once. Number 0 is the empty string. */
export class StringTable {
  readonly #numbers = new Map<string, number>([["", 0]]);
  readonly #strings: string[] = [""];
  #ranks: Uint32Array | null = null;

  add(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    this.#numbers.set(text, this.#strings.length);
    this.#strings.push(text);
    this.#ranks = null;
    return this.#strings.length - 1;
  }

  get size(): number {
    return this.#strings.length;
  }

  text(number: number): string {
    return this.#strings[number]!;
  }

  /** The place of every string in the order of their UTF-8 bytes. */
  ranks(): Uint32Array {
    if (this.#ranks !== null) return this.#ranks;
    const order = Uint32Array.from(this.#strings, (_, index) => index);
    order.sort((a, b) => byBytes(this.#strings[a]!, this.#strings[b]!));
    const ranks = new Uint32Array(order.length);
    for (const [rank, number] of order.entries()) ranks[number] = rank;
    this.#ranks = ranks;
    return ranks;
  }

  /** The strings that `order` names, in that order. */
  finish(order: Uint32Array): { ends: Uint8Array; text: Uint8Array } {
    const encoded = Array.from(order, (number) => utf8(this.#strings[number]!));
    const ends = new Words(encoded.length);
    let size = 0;
    for (const bytes of encoded) {
      size += bytes.length;
      ends.push(size);
    }
    const text = new Uint8Array(size);
    let offset = 0;
    for (const bytes of encoded) {
      text.set(bytes, offset);
      offset += bytes.length;
    }
    return { ends: ends.bytes(), text };
  }
}

/** Code units order as UTF-8 bytes do, except where surrogates are involved. */
function byBytes(a: string, b: string): number {
  if (a.length + b.length < 400 && isPlain(a) && isPlain(b)) return a < b ? -1 : a > b ? 1 : 0;
  return Buffer.compare(utf8(a), utf8(b));
}

function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
}
