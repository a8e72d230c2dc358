/** Pulls bytes from a stream as a parser needs them. */
export class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #buffer = new Uint8Array(128 << 10);
  #start = 0;
  #end = 0;
  #received = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** What has come and was not consumed: a view that holds until the next call of `fill`. */
  get buffered(): Uint8Array {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  /** Bytes that came from the source so far. */
  get received(): number {
    return this.#received;
  }

  /** Reads until `size` bytes are buffered; false when the source ended before. The caller bounds `size`. */
  async fill(size: number): Promise<boolean> {
    while (this.#end - this.#start < size) {
      const piece = await this.#source.next();
      if (piece.done === true) return false;
      this.#received += piece.value.length;
      this.#append(piece.value);
    }
    return true;
  }

  consume(size: number): void {
    this.#start += size;
  }

  /** Lets go of the source, which may hold a file open. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }

  #append(piece: Uint8Array): void {
    const size = this.#end - this.#start;
    if (this.#end + piece.length > this.#buffer.length) {
      const needed = size + piece.length;
      const target = needed > this.#buffer.length ? new Uint8Array(2 * needed) : this.#buffer;
      target.set(this.buffered);
      [this.#buffer, this.#start, this.#end] = [target, 0, size];
    }
    this.#buffer.set(piece, this.#end);
    this.#end += piece.length;
  }
}
