/** A list of 32-bit words that grows. */
export class Words {
  #words: Uint32Array;
  #length = 0;

  constructor(capacity = 1024) {
    this.#words = new Uint32Array(Math.max(capacity, 16));
  }

  get length(): number {
    return this.#length;
  }

  at(index: number): number {
    return this.#words[index]!;
  }

  push(...words: readonly number[]): void {
    this.append(words);
  }

  append(words: ArrayLike<number>): void {
    if (this.#length + words.length > this.#words.length) {
      const larger = new Uint32Array(Math.max(this.#words.length * 2, this.#length + words.length));
      larger.set(this.#words);
      this.#words = larger;
    }
    this.#words.set(words, this.#length);
    this.#length += words.length;
  }

  slice(begin: number, end: number): Uint32Array {
    return this.#words.subarray(begin, Math.min(end, this.#length));
  }

  /** The words as they lie in memory, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.#words.buffer, 0, this.#length * 4);
  }
}
