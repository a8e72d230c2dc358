/** The entries of a tar archive as they come by, memory flat. */
import { NixsealError } from "../core/errors.ts";
import { parseTarHeader, tarBlock, tarPadding } from "../core/tar.ts";

export interface BundleEntry {
  readonly name: string;
  readonly size: number;
  /** To be read to its end before the next entry. */
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** Plain names below the bundle: nothing that leads out of it, wherever somebody unpacks it. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]*(?:\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/;

/** `malformed` for anything that `tarHeader` and its companions do not write, and for what is behind the end. */
export async function* bundleEntries(
  archive: AsyncIterable<Uint8Array>,
): AsyncGenerator<BundleEntry, void, undefined> {
  const bytes = new Pieces(archive);
  try {
    for (;;) {
      const parsed = parseTarHeader(await bytes.exactly(tarBlock), namePattern);
      if (parsed === undefined) throw fault("a header is not one of ours");
      if (parsed === null) break;
      let left = parsed.size;
      const content = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
        while (left > 0) {
          const piece = await bytes.some(left);
          left -= piece.length;
          yield piece;
        }
      };
      yield { ...parsed, bytes: content() };
      if (left > 0) throw new NixsealError("bug", "an entry of a bundle was not read to its end");
      if (!isZero(await bytes.exactly(tarPadding(parsed.size).length))) throw fault("padding is not zero");
    }
    if (!isZero(await bytes.exactly(tarBlock)) || !(await bytes.isAtEnd()))
      throw fault("it does not end as one");
  } finally {
    await bytes.close();
  }
}

class Pieces {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #held: Uint8Array = new Uint8Array(0);

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** At least one byte, and at most so many. */
  async some(most: number): Promise<Uint8Array> {
    if (await this.isAtEnd()) throw fault("it is cut");
    const piece = this.#held.subarray(0, most);
    this.#held = this.#held.subarray(piece.length);
    return piece;
  }

  async exactly(count: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(count);
    for (let at = 0; at < count;) {
      const piece = await this.some(count - at);
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  }

  async isAtEnd(): Promise<boolean> {
    while (this.#held.length === 0) {
      const next = await this.#pieces.next();
      if (next.done === true) return true;
      this.#held = next.value;
    }
    return false;
  }

  async close(): Promise<void> {
    await this.#pieces.return?.();
  }
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

function fault(what: string): NixsealError {
  return new NixsealError("malformed", `not a bundle: ${what}`);
}
