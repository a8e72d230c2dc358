/** The port for trees of files as archives keep them. Types only, as in `ports.ts`. */
import type { FileKind } from "./file-ports.ts";

/** What an archive of a tree keeps of a file system object. */
export interface TreeStatus {
  readonly kind: FileKind;
  /** Whether the owner may execute it. */
  readonly executable: boolean;
  readonly size: number;
}

/**
 * Trees of files, byte for byte: names, paths and link targets are bytes, because Linux demands no encoding of them and a
 * name that was decoded may not be found again. No symlink is followed as the last component of a path. Errors are those of `Files`.
 */
export interface Trees {
  status(path: Uint8Array): Promise<TreeStatus>;
  /** Sorted bytewise. */
  list(directory: Uint8Array): Promise<Uint8Array[]>;
  readLink(path: Uint8Array): Promise<Uint8Array>;
  /** A regular file's content, in pieces, memory flat. Anything else than a regular file is `io`. */
  read(path: Uint8Array): AsyncIterable<Uint8Array>;
  /** Starts a new tree aside; nothing is visible at `path` before `commit`. Error `conflict` when something is there. */
  build(path: string): Promise<TreeBuilder>;
}

/**
 * A tree that is being made. Paths are relative to its top (`a/b`); the empty path is the top itself. Parents come before
 * what they hold, and nothing is made twice. Whoever may write around the tree cannot lead it elsewhere.
 */
export interface TreeBuilder {
  makeDirectory(path: Uint8Array): Promise<void>;
  createFile(path: Uint8Array, options: { readonly executable: boolean }): Promise<TreeFile>;
  symlink(target: Uint8Array, path: Uint8Array): Promise<void>;
  /** Puts the tree in its place, whole; `conflict` when something has appeared there. */
  commit(): Promise<void>;
  /** Removes what was made. Harmless after `commit`. */
  discard(): Promise<void>;
}

export interface TreeFile {
  write(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}
