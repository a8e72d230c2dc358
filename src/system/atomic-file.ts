import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fsync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  writeFile,
  writeFileSync,
  writev,
} from "node:fs";
import { promises as fs } from "node:fs";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { hex } from "../core/bytes.ts";
import type { AtomicFile, NewFile } from "../core/file-ports.ts";
import { systemError } from "./errors.ts";
import { onInterrupt } from "./on-interrupt.ts";
import { random } from "./random.ts";

/** O_EXCL and O_NOFOLLOW: a file or symlink that somebody planted at this name is never written through. */
export const fresh = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

type NewFileUnderUmask = NewFile & { readonly umask?: boolean };

/**
 * A file that appears at `path` whole or not at all. The name `.NAME.RANDOM.tmp` in the same directory, so that
 * the rename stays within one file system. A signal takes it away; what SIGKILL leaves behind is that file, never a
 * half-written `path`.
 */
export async function atomicFile(path: string, options: NewFileUnderUmask, sync = true): Promise<AtomicFile> {
  const temporary = temporaryName(path);
  const settled = takeAlong(temporary); // before there is anything to take: a signal does not wait for us
  const descriptor = openFresh(temporary, options, settled);
  let state: "written" | "closed" | "settled" = "written";
  const close = (): void => {
    if (state === "written") closeSync(descriptor); // once: somebody else may have the number by now
    state = "closed";
  };
  return {
    write: async (...pieces) => {
      try {
        const size = pieces.reduce((sum, { length }) => sum + length, 0);
        const { bytesWritten } = await writevLater(descriptor, pieces);
        // writev(2) may write less than it was given, on a disk that is nearly full: what then fails says why.
        if (bytesWritten < size) await writeLater(descriptor, Buffer.concat(pieces).subarray(bytesWritten));
      } catch (cause) {
        throw systemError(cause, path);
      }
    },
    commit: async () => {
      try {
        if (sync) await fsyncLater(descriptor);
        close();
        renameSync(temporary, path);
        state = "settled";
        settled();
        if (sync) await syncDirectory(dirname(path));
      } catch (cause) {
        throw systemError(cause, path);
      }
    },
    discard: async () => {
      if (state === "settled") return;
      close();
      rmSync(temporary, { force: true });
      state = "settled";
      settled();
    },
  };
}

function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path)}.${hex(random.bytes(6))}.tmp`);
}

/**
 * The same for content that is in memory. Only the wait for the disk goes through the thread pool: for small files each
 * trip there costs more than the call itself. The entry in the directory is on the disk after `syncDirectory`.
 */
export async function replaceFile(path: string, bytes: Uint8Array, options: NewFile): Promise<void> {
  const temporary = temporaryName(path);
  const settled = takeAlong(temporary);
  try {
    const descriptor = openSync(temporary, fresh, 0o600);
    try {
      fill(descriptor, bytes, options);
      await fsyncLater(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw cause;
  } finally {
    settled();
  }
}

const fsyncLater = promisify(fsync);
const writevLater = promisify(writev);
const writeLater: (descriptor: number, bytes: Uint8Array) => Promise<void> = promisify(writeFile);

/** Owner, then mode, then content: nobody can open it early, and the umask has no say. */
function fill(descriptor: number, bytes: Uint8Array, options: NewFile): void {
  own(descriptor, options);
  writeFileSync(descriptor, bytes);
}

export function own(descriptor: number, { mode, uid, gid }: NewFile): void {
  if (uid !== undefined || gid !== undefined) fchownSync(descriptor, uid ?? -1, gid ?? -1);
  fchmodSync(descriptor, mode);
}

/** Makes a file that must not exist yet and writes it; removed again when the disk is full half-way. */
export function writeWhole(path: string, bytes: Uint8Array, options: NewFile): void {
  const descriptor = openSync(path, fresh, 0o600);
  try {
    fill(descriptor, bytes, options);
    fsyncSync(descriptor);
  } catch (cause) {
    rmSync(path, { force: true });
    throw cause;
  } finally {
    closeSync(descriptor);
  }
}

const underWay = new Set<string>();
let callOff = (): void => undefined;

/** A signal that ends the program removes the file, until the result is called. One listener serves all files. */
function takeAlong(temporary: string): () => void {
  if (underWay.size === 0) {
    callOff = onInterrupt(() => {
      for (const path of underWay) rmSync(path, { force: true });
    });
  }
  underWay.add(temporary);
  return () => {
    if (underWay.delete(temporary) && underWay.size === 0) callOff();
  };
}

/**
 * Made with mode 0600, then given its owner, then its mode: nobody can open it early, and the umask has no say unless it
 * is asked for. Without the thread pool: there the file could still appear after a signal has taken it away.
 */
function openFresh(path: string, options: NewFileUnderUmask, settled: () => void): number {
  try {
    if (options.umask === true) return openSync(path, fresh, options.mode);
    const descriptor = openSync(path, fresh, 0o600);
    try {
      own(descriptor, options);
      return descriptor;
    } catch (cause) {
      closeSync(descriptor);
      throw cause;
    }
  } catch (cause) {
    rmSync(path, { force: true });
    settled();
    throw cause;
  }
}

/** A rename is on the disk only when its directory is. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await fs.open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
