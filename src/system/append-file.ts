import { constants } from "node:fs";
import { promises as fs } from "node:fs";
import { NixsealError } from "../core/errors.ts";
import type { Files } from "../core/file-ports.ts";

const { O_WRONLY, O_RDONLY, O_APPEND, O_NOFOLLOW, O_NONBLOCK } = constants;

/** O_NOFOLLOW and O_NONBLOCK: a symlink or a pipe that somebody put at this name is neither followed nor waited for. */
export const append: Files["append"] = async (path, bytes) => {
  const handle = await fs.open(path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK);
  try {
    await regularSize(handle, path);
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
};

export const readEnd: Files["readEnd"] = async (path, limit) => {
  const handle = await fs.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const size = await regularSize(handle, path);
    const from = Math.max(0, size - limit);
    const buffer = new Uint8Array(size - from);
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, from + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return { size, bytes: buffer.subarray(0, filled) };
  } finally {
    await handle.close();
  }
};

async function regularSize(handle: fs.FileHandle, path: string): Promise<number> {
  const stats = await handle.stat();
  if (!stats.isFile()) throw new NixsealError("io", "is not a regular file", { where: { file: path } });
  return stats.size;
}
