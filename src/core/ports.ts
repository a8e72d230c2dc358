/**
 * The small interfaces through which effects enter. Types only: `src/system/` implements them, the
 * programs' entry files wire them in, and everything between can be tested without touching the world.
 */
import type { KeyObject } from "node:crypto";
import type { SecretValue } from "./secret-value.ts";
import type { Http, Https } from "./http-ports.ts";
import type { Trees } from "./tree-ports.ts";

export interface Clock {
  now(): Date;
  /** Resolves after that many milliseconds. One in the background does not keep the program from ending. */
  sleep(milliseconds: number, options?: { readonly background: boolean }): Promise<void>;
}

export interface X25519KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export interface Random {
  /** Bytes of the operating system's generator, fit for keys. */
  bytes(length: number): Uint8Array;
  /** A fresh key pair for X25519, of the same generator; the private bytes never come into reach of the program. */
  x25519KeyPair(): X25519KeyPair;
}

export interface Environment {
  get(name: string): string | undefined;
}

/** A child process. argv only: there is no way to a shell through this interface. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  /** Written to the child's stdin, which is then closed; without it stdin is empty. Secrets go here, never into `args`. */
  readonly input?: Uint8Array | undefined;
  /** What the child, and what it starts, can read from its file descriptor 3: a secret that is not for its stdin. */
  readonly descriptor3?: Uint8Array | undefined;
  readonly cwd?: string | undefined;
  /** Added to a small fixed environment (PATH, HOME, LANG=C, …); undefined removes a name. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Milliseconds; the child is killed after that (error `timeout`). Default: one minute. */
  readonly timeout?: number | undefined;
  /** Milliseconds that a conversation may take in all: who says a word now and then must not keep us. Default: a day. */
  readonly lifetime?: number | undefined;
  /** Bytes that stdout may have (error `limit`); stderr is kept to its last 64 KiB. Default: 64 MiB. */
  readonly maxOutput?: number | undefined;
  /** Told of stderr as it comes, for programs that say there how far they are. Only `run` does. */
  readonly onStderr?: ((piece: string) => void) | undefined;
  /** For programs that ask the person themselves (an editor, ssh-keygen for a FIDO touch): the terminal is theirs. */
  readonly terminal?: boolean | undefined;
  /** Runs in a session of its own: what the terminal sends to our process group (ctrl-c, hangup) does not reach it. */
  readonly ownSession?: boolean | undefined;
}

/** A program that the person named, to be run in our place. */
export interface WrappedCommand {
  readonly program: string;
  readonly args: readonly string[];
  /** Added to the person's whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Whether its stdout leads to our stderr. */
  readonly stdoutToStderr: boolean;
}

export interface CommandResult {
  /** The exit code; 128 + n when signal n ended it, as shells count. */
  readonly code: number;
  readonly stdout: Uint8Array;
  readonly stderr: string;
}

/** A child that one converses with, line by line or byte by byte (plugins, `git cat-file --batch`). */
export interface Conversation {
  /** Resolves when the child's pipe took the bytes. */
  write(bytes: Uint8Array): Promise<void>;
  /** Bytes as they come; null at the end. Rejects with `timeout` when nothing comes for the command's `timeout`. */
  read(): Promise<Uint8Array | null>;
  /** Closes stdin, waits for the exit and gives the result; stdout holds what was not read. */
  end(): Promise<CommandResult>;
  kill(): void;
}

export interface Processes {
  /** Runs to the end. A program that cannot be found is `not-found`; a non-zero exit is a result, not an error. */
  run(command: Command): Promise<CommandResult>;
  converse(command: Command): Conversation;
  /**
   * Runs it on our own streams and gives its exit code (128 + n when signal n ended it). SIGTERM and SIGHUP, and where no terminal
   * does it SIGINT, are passed on, once: a second one ends us. `not-found` when there is no such program.
   */
  wrap(command: WrappedCommand): Promise<number>;
  readonly pid: number;
  readonly hostname: string;
}

/** A connected stream socket. */
export interface Connection {
  /** Bytes as they come; null when the other side has ended. */
  read(): Promise<Uint8Array | null>;
  /** Resolves when the bytes are taken. */
  write(bytes: Uint8Array): Promise<void>;
  /** Says that nothing more is written; what the other side still says can be read. */
  end(): void;
  close(): void;
}

export interface Sockets {
  /** To a unix socket of this machine. `not-found` where there is none, `io` when nobody listens or may connect. */
  connect(path: string): Promise<Connection>;
}

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

/** The streams of the program and the person behind them. */
export interface Streams {
  /** In pieces as they come. With `reuse` a piece is the caller's only until the next one is asked for: no memory is taken for each. */
  stdin(options?: { readonly reuse?: boolean }): AsyncIterable<Uint8Array>;
  stdout(bytes: Uint8Array): Promise<void>;
  readonly stdinIsTerminal: boolean;
  readonly stdoutIsTerminal: boolean;
  /** Whether stdout leads nowhere, most likely because it was closed (`>&-`): what is written there is lost. */
  readonly stdoutIsLost: boolean;
  /** Everything from a file descriptor that the caller opened for us, up to `limit` bytes. */
  readDescriptor(descriptor: number, limit: number): Promise<Uint8Array>;
}

/** The person at the terminal. Without a terminal every question is `refused`: nobody is there to wait for. */
export interface Person {
  /** Asks without echo. */
  askSecret(question: string): Promise<SecretValue>;
  askYesNo(question: string): Promise<boolean>;
}

/**
 * Heavy work on all cores. `task` names a function that the worker program knows (`src/cli/worker.ts`); jobs and
 * results are plain data. Results come in the order of the jobs; at most a bounded number is under way.
 */
export interface Workers {
  /** `here` does the same on this thread, which takes its share, and all jobs that `mustStay`. */
  map<Job, Result>(
    task: string,
    jobs: AsyncIterable<Job>,
    here: (job: Job) => Promise<Result>,
    mustStay?: (job: Job) => boolean,
  ): AsyncIterable<Result>;
}

export interface Ports {
  readonly clock: Clock;
  readonly random: Random;
  readonly environment: Environment;
  readonly processes: Processes;
  readonly files: Files;
  readonly trees: Trees;
  readonly streams: Streams;
  readonly person: Person;
  readonly workers: Workers;
  readonly http: Http;
  readonly https: Https;
  readonly sockets: Sockets;
}
