/** Memory for archives on their way through: what is free again is used again, since new memory costs as much as filling it. */
import { largestEnclosed } from "../message-limits.ts";

/** Below this, memory of their own costs nothing. */
const small = 64 << 10;
/** Kept for the next ones. */
const mostFree = 8;

export class ArchiveMemory {
  readonly #free: ArrayBufferLike[] = [];

  /** So many bytes, at most `largestEnclosed`, with anything in them. */
  take(size: number): Uint8Array {
    if (size < small) return Buffer.allocUnsafeSlow(size);
    // All of one size, since the system gives only those pages that are written to. The one that was used last has these already.
    const memory = this.#free.pop() ?? Buffer.allocUnsafeSlow(largestEnclosed).buffer;
    return new Uint8Array(memory, 0, size);
  }

  /** Of memory that was taken, and that nobody looks at any more. */
  giveBack({ buffer }: Uint8Array): void {
    if (buffer.byteLength === largestEnclosed && this.#free.length < mostFree) this.#free.push(buffer);
  }
}
