import type { AtomicFile } from "../../core/ports.ts";

/** Pieces come as small as the sender makes them, and each costs some memory; each write is a trip through the thread pool. */
const batch = { bytes: 512 << 10, pieces: 256 };

/** Writes a stream in larger pieces: while one is written, the next comes in and is hashed. */
export async function writeIncoming(
  file: Pick<AtomicFile, "write">,
  bytes: AsyncIterable<Uint8Array>,
): Promise<void> {
  let parts: Uint8Array[] = [];
  let size = 0;
  let writing: Promise<void> = Promise.resolve();
  const flush = async (): Promise<void> => {
    await writing;
    writing = file.write(...parts);
    writing.catch(() => undefined); // told to whoever waits next
    parts = [];
    size = 0;
  };
  try {
    for await (const piece of bytes) {
      parts.push(piece);
      size += piece.length;
      if (size >= batch.bytes || parts.length >= batch.pieces) await flush();
    }
    if (parts.length > 0) await flush();
  } finally {
    await writing;
  }
}
