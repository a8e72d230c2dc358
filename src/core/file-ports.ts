/** The port for files. Types only, as in `ports.ts`. */

export type FileKind = "file" | "directory" | "symlink" | "other";

export interface FileStatus {
  readonly kind: FileKind;
  /** Permission bits only: 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly links: number;
  /** Device and inode: two paths with the same pair are the same file. */
  readonly device: number;
  readonly inode: number;
  readonly modified: Date;
}

export interface ReadLimit {
  /** Bytes; one more is error `limit`. */
  readonly limit: number;
  /** Whether a symlink as the last component is followed, and a pipe or a device read. Default: true. */
  readonly follow?: boolean;
}

export interface NewFile {
  readonly mode: number;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
}

/** Held until released; also released by the kernel when the process dies. */
export interface Lock {
  release(): Promise<void>;
}

/**
 * Files. Every path is absolute or relative to the working directory. Errors of the operating system become
 * `not-found` (ENOENT, ENOTDIR), `conflict` (EEXIST, ENOTEMPTY) or `io` (all others), with the path as `where.file`.
 */
export interface Files {
  read(path: string, options: ReadLimit): Promise<Uint8Array>;
  /** In pieces of at most 64 KiB, memory flat. */
  stream(path: string): AsyncIterable<Uint8Array>;
  /**
   * A regular file in a directory where others may write, in pieces of at most 256 KiB. Neither the directory (its last
   * component) nor the name is followed as a symlink, a pipe or a device is not waited for (all of these are `io`), and
   * the file is looked up in the very directory that was opened. Its owner may still write to it meanwhile.
   * With `reuse` a piece is the caller's only until the next one is asked for: no memory is taken for each.
   */
  streamInside(
    directory: string,
    name: string,
    options?: { readonly reuse?: boolean },
  ): AsyncIterable<Uint8Array>;
  /**
   * Replaces the file whole or not at all: temporary file in the same directory, fsync, rename, fsync of the directory.
   * With `syncDirectory: false` the caller does the last by `sync`, once for many files: until then a power cut may
   * bring the old file back, whole.
   */
  writeAtomic(
    path: string,
    bytes: Uint8Array,
    options: NewFile & { readonly syncDirectory?: boolean },
  ): Promise<void>;
  /**
   * As `writeAtomic`, for content that comes in pieces: nothing is visible at `path` before `commit`. With `umask` the
   * person's umask takes its bits from `mode`, as from any program's new file. With `sync: false` nothing is flushed to the
   * disk: for what can be had again, and whose bytes are checked again when it is used.
   */
  openAtomic(
    path: string,
    options: NewFile & { readonly umask?: boolean; readonly sync?: boolean },
  ): Promise<AtomicFile>;
  /** Adds at the end of a file that exists, never through a symlink, and is done when the bytes are on the disk. */
  append(path: string, bytes: Uint8Array): Promise<void>;
  /** The last `limit` bytes of a regular file, or all when there are fewer, with the whole size. Follows no symlink. */
  readEnd(path: string, limit: number): Promise<{ readonly size: number; readonly bytes: Uint8Array }>;
  /** Makes a file that must not exist (O_EXCL, O_NOFOLLOW); owner and mode are set before the content is written. */
  create(path: string, bytes: Uint8Array, options: NewFile): Promise<void>;
  /** A new file as of `create`, empty, to be written to piece by piece by this process alone. */
  createLog(path: string, options: NewFile): Promise<LogFile>;
  /** Follows symlinks; null when there is nothing. */
  status(path: string): Promise<FileStatus | null>;
  /** Does not follow a symlink as the last component; null when there is nothing. */
  statusOfLink(path: string): Promise<FileStatus | null>;
  /** Names, sorted by code unit. A directory that does not exist is `not-found`. */
  list(directory: string): Promise<string[]>;
  makeDirectory(path: string, options: NewFile & { readonly parents?: boolean }): Promise<void>;
  remove(path: string): Promise<void>;
  /** A directory with all that is in it, never through a symlink. No error when there is nothing. */
  removeTree(path: string): Promise<void>;
  /**
   * As `removeTree`, for plaintexts in memory: every regular file is overwritten with zeros first, so that whoever still has it
   * open, or another name for it, reads zeros.
   */
  shredTree(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  link(existing: string, path: string): Promise<void>;
  symlink(target: string, path: string): Promise<void>;
  readLink(path: string): Promise<string>;
  /** The absolute path with every symlink resolved. */
  realPath(path: string): Promise<string>;
  setOwner(path: string, uid: number, gid: number): Promise<void>;
  setMode(path: string, mode: number): Promise<void>;
  /** Flushes the directory's entries to the disk. */
  sync(directory: string): Promise<void>;
  /** Bytes that an ordinary user may still write on the file system that holds the path. */
  freeSpace(path: string): Promise<number>;
  /** The type of the file system that holds the path. */
  fileSystem(path: string): Promise<"tmpfs" | "ramfs" | "other">;
  /**
   * An exclusive lock for this machine, on a file beside what it guards; waits for up to `wait` milliseconds,
   * then error `conflict` that says who holds it (pid, program, since when).
   */
  lock(path: string, options: { readonly wait: number; readonly purpose: string }): Promise<Lock>;
  /** A fresh directory of mode 0700 on tmpfs; error `refused` with a hint where there is none. */
  privateDirectory(): Promise<string>;
}

export interface AtomicFile {
  /** Several pieces are written as one, without a copy. */
  write(...pieces: readonly Uint8Array[]): Promise<void>;
  commit(): Promise<void>;
  /** Removes what was written. Harmless after `commit`. */
  discard(): Promise<void>;
}

export interface LogFile {
  /** Adds at the end. Nothing is flushed: what was written outlives this process, however it ends, but no power cut. */
  append(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}
