import { closeSync, constants, fstatSync, openSync, read, readSync, type Stats } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { NixsealError } from "../core/errors.ts";
import { systemError } from "./errors.ts";

/** Bytes that stay in a processor's cache between being read and being written. */
const pieceSize = 256 << 10;
const readLater = promisify(read);

/** `Files.streamInside`. Node has no openat(2); through /proc/self/fd a name is looked up in the directory that is open. */
export async function* streamInside(
  directory: string,
  name: string,
  { reuse = false }: { readonly reuse?: boolean } = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const path = join(directory, name);
  if (name === "" || name === "." || name === ".." || /[/\0]/.test(name))
    throw new NixsealError("bug", "the name of a file has no slash", { where: { file: path } });
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;
  try {
    // Without the thread pool, where each of these calls would take ten times as long.
    const top = openSync(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    let file: number;
    try {
      // O_NONBLOCK: opening a pipe that somebody put there would wait for a writer.
      file = openSync(`/proc/self/fd/${top}/${name}`, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    } finally {
      closeSync(top);
    }
    try {
      const status = fstatSync(file);
      requireRegular(status, path);
      if (status.size < pieceSize) {
        // One byte more than it has: whether it ends here is seen at once.
        const piece = Buffer.allocUnsafe(status.size + 1);
        const length = readSync(file, piece);
        if (length > 0) yield piece.subarray(0, length);
        if (length <= status.size) return;
      }
      yield* piecesOf(file, reuse);
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw systemError(cause, path);
  }
}

/** The next piece is read while the one before is in the caller's hands. */
async function* piecesOf(file: number, reuse: boolean): AsyncGenerator<Uint8Array, void, undefined> {
  let piece = Buffer.allocUnsafe(pieceSize);
  let other = Buffer.allocUnsafe(pieceSize);
  let reading = readLater(file, piece, 0, pieceSize, null);
  try {
    for (;;) {
      const { bytesRead } = await reading;
      if (bytesRead === 0) return;
      const whole = piece.subarray(0, bytesRead);
      [piece, other] = [reuse ? other : Buffer.allocUnsafe(pieceSize), piece];
      reading = readLater(file, piece, 0, pieceSize, null);
      reading.catch(() => undefined); // told to whoever asks for it
      yield whole;
    }
  } finally {
    // Whoever ends early closes the file, whose number may be another's then.
    await reading.catch(() => undefined);
  }
}

function requireRegular(status: Stats, path: string): void {
  if (!status.isFile()) throw new NixsealError("io", "is not a regular file", { where: { file: path } });
}
