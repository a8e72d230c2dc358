import * as fs from "node:fs";
import type { Trees, TreeStatus } from "../core/tree-ports.ts";
import { NixsealError } from "../core/errors.ts";
import { systemError } from "./errors.ts";
import { kindOf } from "./file-kind.ts";
import { treeBuilder } from "./tree-builder.ts";

const pieceSize = 128 << 10;

/**
 * The tree port over the real file system. Each step is one short system call on a local file: done in place,
 * because the way through the thread pool costs about ten times the call, and trees have many small files.
 */
export const trees: Trees = {
  status: async (path) => guarded(path, () => toTreeStatus(fs.lstatSync(Buffer.from(path)))),

  list: async (directory) =>
    guarded(directory, () =>
      fs.readdirSync(Buffer.from(directory), { encoding: "buffer" }).sort((a, b) => Buffer.compare(a, b)),
    ),

  readLink: async (path) => guarded(path, () => fs.readlinkSync(Buffer.from(path), { encoding: "buffer" })),

  async *read(path) {
    const { descriptor, size } = guarded(path, () => openRegular(path));
    try {
      for (let read = 0; ;) {
        // A buffer that fits: most files are small. One byte more finds the end, or what was added meanwhile.
        const piece = Buffer.allocUnsafe(Math.min(pieceSize, Math.max(size - read, 1)));
        const length = guarded(path, () => fs.readSync(descriptor, piece));
        if (length === 0) return;
        read += length;
        yield piece.subarray(0, length);
      }
    } finally {
      fs.closeSync(descriptor);
    }
  },

  build: async (path) => guarded(Buffer.from(path), () => treeBuilder(path)),
};

/** O_NONBLOCK: a FIFO that took the file's place would otherwise block for ever. */
function openRegular(path: Uint8Array): { descriptor: number; size: number } {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
  const descriptor = fs.openSync(Buffer.from(path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  const stats = fs.fstatSync(descriptor);
  if (stats.isFile()) return { descriptor, size: stats.size };
  fs.closeSync(descriptor);
  throw new NixsealError("io", "is not a regular file", { where: { file: Buffer.from(path).toString() } });
}

function toTreeStatus(stats: fs.Stats): TreeStatus {
  return { kind: kindOf(stats), executable: (stats.mode & 0o100) !== 0, size: stats.size };
}

function guarded<T>(path: Uint8Array, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw systemError(cause, Buffer.from(path).toString());
  }
}
