import { constants, type Stats } from "node:fs";
import { promises as fs } from "node:fs";
import { join } from "node:path";
import { NixsealError } from "../core/errors.ts";
import { systemError } from "./errors.ts";

const pieceSize = 1 << 20;

/** `Files.streamInside`. Node has no openat(2); through /proc/self/fd a name is looked up in the directory that is open. */
export async function* streamInside(
  directory: string,
  name: string,
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
      requireRegular(await file.stat(), path);
      for (;;) {
        const piece = Buffer.allocUnsafe(pieceSize);
        const { bytesRead } = await file.read(piece, 0, pieceSize);
        if (bytesRead === 0) return;
        yield piece.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw systemError(cause, path);
  }
}

function requireRegular(status: Stats, path: string): void {
  if (!status.isFile()) throw new NixsealError("io", "is not a regular file", { where: { file: path } });
}
