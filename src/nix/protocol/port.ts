import type { Streams } from "../../core/ports.ts";

/** Bytes in both directions: a child's pipes (`Conversation` is one), our own stdin and stdout, a socket. */
export interface BytePort {
  /** Bytes as they come, in a buffer that nobody writes to again; null at the end. */
  read(): Promise<Uint8Array | null>;
  /** Resolves when the bytes are taken. */
  write(bytes: Uint8Array): Promise<void>;
}

/** The program's stdin and stdout, which is what a forced command of sshd has. */
export function portOfStreams(streams: Pick<Streams, "stdin" | "stdout">): BytePort {
  const pieces = streams.stdin()[Symbol.asyncIterator]();
  return {
    read: async () => {
      const piece = await pieces.next();
      return piece.done === true ? null : piece.value;
    },
    write: (bytes) => streams.stdout(bytes),
  };
}
