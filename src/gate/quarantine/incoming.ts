import type { AtomicFile } from "../../core/file-ports.ts";

/** Pieces come as small as the sender makes them; each write is a trip through the thread pool. */
const batch = 512 << 10;

/**
 * Writes a stream in larger pieces: while one is written, the next comes in and is hashed. A piece of the stream is not held on to when
 * the next one is asked for.
 */
export async function writeIncoming(
  file: Pick<AtomicFile, "write">,
  bytes: AsyncIterable<Uint8Array>,
): Promise<void> {
  let filling = Buffer.allocUnsafeSlow(batch);
  let other = Buffer.allocUnsafeSlow(batch);
  let size = 0;
  let writing: Promise<void> = Promise.resolve();
  const flush = async (): Promise<void> => {
    await writing;
    writing = file.write(filling.subarray(0, size));
    writing.catch(() => undefined); // told to whoever waits next
    [filling, other] = [other, filling];
    size = 0;
  };
  try {
    for await (const piece of bytes)
      for (let at = 0; at < piece.length;) {
        const part = piece.subarray(at, at + batch - size);
        filling.set(part, size);
        size += part.length;
        at += part.length;
        if (size === batch) await flush();
      }
    if (size > 0) await flush();
  } finally {
    await writing;
  }
}
