import { constants, type Stats } from "node:fs";
import { promises as fs } from "node:fs";
import { join } from "node:path";
import { NixsealError } from "../core/errors.ts";
import { systemError } from "./errors.ts";

/** Bytes that stay in a processor's cache between being read and being written. */
const pieceSize = 256 << 10;

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
    const top = await fs.open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    let file: fs.FileHandle;
    try {
      // O_NONBLOCK: opening a pipe that somebody put there would wait for a writer.
      file = await fs.open(`/proc/self/fd/${top.fd}/${name}`, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    } finally {
      await top.close();
    }
    try {
      const status = await file.stat();
      requireRegular(status, path);
      yield* piecesOf(file, { size: status.size, reuse });
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw systemError(cause, path);
  }
}

/** The next piece is read while the one before is in the caller's hands. */
async function* piecesOf(
  file: fs.FileHandle,
  { size, reuse }: { readonly size: number; readonly reuse: boolean },
): AsyncGenerator<Uint8Array, void, undefined> {
  // One byte more than a small file has: that it ends is seen with its only piece.
  const length = Math.min(size + 1, pieceSize);
  let piece = Buffer.allocUnsafe(length);
  let other = Buffer.allocUnsafe(length);
  let read = file.read(piece, 0, length);
  for (let seen = 0; ;) {
    const { bytesRead } = await read;
    if (bytesRead === 0) return;
    seen += bytesRead;
    const whole = piece.subarray(0, bytesRead);
    if (bytesRead < length && seen >= size) return yield whole;
    [piece, other] = [reuse ? other : Buffer.allocUnsafe(length), piece];
    read = file.read(piece, 0, length);
    read.catch(() => undefined); // told to whoever asks for it; nobody may
    yield whole;
  }
}

function requireRegular(status: Stats, path: string): void {
  if (!status.isFile()) throw new NixsealError("io", "is not a regular file", { where: { file: path } });
}
