import {
  closeSync,
  constants,
  createReadStream,
  fstatSync,
  linkSync,
  lstatSync,
  openSync,
  readSync,
  readdirSync,
  realpathSync,
  renameSync,
  statSync,
  statfsSync,
  symlinkSync,
  type Stats,
} from "node:fs";
import { promises as fs } from "node:fs";
import { dirname } from "node:path";
import { NixsealError } from "../core/errors.ts";
import type { Files, FileStatus, NewFile } from "../core/file-ports.ts";
import { append, readEnd } from "./append-file.ts";
import { atomicFile, replaceFile, syncDirectory, writeWhole } from "./atomic-file.ts";
import { systemError } from "./errors.ts";
import { kindOf } from "./file-kind.ts";
import { lock } from "./lock.ts";
import { createLog } from "./log-file.ts";
import { privateDirectory } from "./private-directory.ts";
import { shredTree } from "./shred.ts";
import { streamInside } from "./stream-inside.ts";

// statfs(2): f_type of the file systems that never reach a disk by themselves (tmpfs may, through swap).
const fileSystemTypes: Record<number, "tmpfs" | "ramfs"> = { 0x01021994: "tmpfs", 0x858458f6: "ramfs" };

/** The file port over the real file system. */
export const files: Files = {
  read: (path, { limit, follow = true }) => guarded(path, () => readBounded(path, limit, follow)),

  async *stream(path) {
    try {
      yield* createReadStream(path) as AsyncIterable<Buffer>;
    } catch (cause) {
      throw systemError(cause, path);
    }
  },

  streamInside,

  writeAtomic: (path, bytes, { syncDirectory: sync = true, ...options }) =>
    guarded(path, async () => {
      await replaceFile(path, bytes, options);
      if (sync) await syncDirectory(dirname(path));
    }),

  openAtomic: (path, { sync = true, ...options }) => guarded(path, () => atomicFile(path, options, sync)),
  append: (path, bytes) => guarded(path, () => append(path, bytes)),
  readEnd: (path, limit) => guarded(path, () => readEnd(path, limit)),
  create: (path, bytes, options) => guarded(path, async () => writeWhole(path, bytes, options)),
  createLog: (path, options) => guarded(path, async () => createLog(path, options)),
  status: (path) =>
    guarded(path, async () => toStatus(missingAsNull(() => statSync(path, { throwIfNoEntry: false })))),
  statusOfLink: (path) =>
    guarded(path, async () => toStatus(missingAsNull(() => lstatSync(path, { throwIfNoEntry: false })))),
  list: (directory) => guarded(directory, async () => readdirSync(directory).sort()),
  makeDirectory: (path, options) => guarded(path, () => makeDirectory(path, options)),
  remove: (path) => guarded(path, () => fs.unlink(path)),
  removeTree: (path) => guarded(path, () => fs.rm(path, { recursive: true, force: true })),
  shredTree: (path) => guarded(path, async () => shredTree(path)),
  rename: (from, to) => guarded(to, async () => renameSync(from, to)),
  link: (existing, path) => guarded(path, async () => linkSync(existing, path)),
  symlink: (target, path) => guarded(path, async () => symlinkSync(target, path)),
  readLink: (path) => guarded(path, () => fs.readlink(path)),
  realPath: (path) => guarded(path, async () => realpathSync.native(path)),
  setOwner: (path, uid, gid) => guarded(path, () => fs.lchown(path, uid, gid)),
  setMode: (path, mode) => guarded(path, () => fs.chmod(path, mode)),

  sync: (directory) => guarded(directory, () => syncDirectory(directory)),

  freeSpace: (path) =>
    guarded(path, async () => {
      const { bavail, bsize } = statfsSync(path);
      return bavail * bsize;
    }),

  fileSystem: (path) => guarded(path, async () => fileSystemTypes[(await fs.statfs(path)).type] ?? "other"),

  lock: (path, options) => guarded(path, () => lock(path, options)),
  privateDirectory,
};

async function guarded<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw systemError(cause, path);
  }
}

/** A path through something that is no directory leads to nothing, too. */
function missingAsNull(status: () => Stats | undefined): Stats | null {
  try {
    return status() ?? null;
  } catch (cause) {
    const error = systemError(cause, "");
    if (error instanceof NixsealError && error.code === "not-found") return null;
    throw cause;
  }
}

/**
 * Regular files are read without the thread pool: opening and reading a small local file takes some microseconds,
 * and ten times that with a promise around each call. What may block (a pipe, a terminal) goes the long way.
 */
async function readBounded(path: string, limit: number, follow: boolean): Promise<Uint8Array> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  if (!follow || statSync(path).isFile()) {
    // O_NONBLOCK: a pipe that is there, or was put there since the look, would be waited for.
    const descriptor = openSync(path, O_RDONLY | O_NONBLOCK | (follow ? 0 : O_NOFOLLOW));
    try {
      const stats = fstatSync(descriptor);
      if (!stats.isFile()) throw new NixsealError("io", "is not a regular file", { where: { file: path } });
      const { size } = stats;
      return await readAll(path, limit, size, (into, from) =>
        readSync(descriptor, into, from, into.length - from, null),
      );
    } finally {
      closeSync(descriptor);
    }
  }
  const handle = await fs.open(path, O_RDONLY);
  try {
    return await readAll(path, limit, 0, async (into, from) => (await handle.read(into, from)).bytesRead);
  } finally {
    await handle.close();
  }
}

/** `size` is a hint only: a pipe has none, and a file may grow while it is read. */
async function readAll(
  path: string,
  limit: number,
  size: number,
  read: (into: Uint8Array, from: number) => number | Promise<number>,
): Promise<Uint8Array> {
  let buffer = new Uint8Array(Math.min(Math.max(size, 4096), limit) + 1);
  let filled = 0;
  for (;;) {
    const more = await read(buffer, filled);
    if (more === 0) return buffer.subarray(0, filled);
    filled += more;
    if (filled > limit)
      throw new NixsealError("limit", `file is larger than ${limit} bytes`, { where: { file: path } });
    if (filled < buffer.length) continue;
    const larger = new Uint8Array(Math.min(2 * filled, limit) + 1);
    larger.set(buffer);
    buffer.fill(0); // it may be a secret, and nobody else will wipe this copy
    buffer = larger;
  }
}

async function makeDirectory(path: string, options: NewFile & { readonly parents?: boolean }): Promise<void> {
  if (options.parents === true) await fs.mkdir(dirname(path), { recursive: true, mode: 0o755 });
  try {
    await fs.mkdir(path, { mode: 0o700 });
  } catch (cause) {
    const exists = options.parents === true && missingAsNull(() => lstatSync(path))?.isDirectory() === true;
    if (!exists) throw cause;
    return;
  }
  // Made closed, then opened: nobody can put anything in before the owner is right, and the umask has no say.
  if (options.uid !== undefined || options.gid !== undefined)
    await fs.lchown(path, options.uid ?? -1, options.gid ?? -1);
  await fs.chmod(path, options.mode);
}

function toStatus(stats: Stats | null): FileStatus | null {
  if (stats === null) return null;
  return {
    kind: kindOf(stats),
    mode: stats.mode & 0o7777,
    uid: stats.uid,
    gid: stats.gid,
    size: stats.size,
    links: stats.nlink,
    device: stats.dev,
    inode: stats.ino,
    modified: stats.mtime,
  };
}
