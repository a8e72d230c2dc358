/**
 * The small interfaces through which effects enter. Types only: `src/system/` implements them, the
 * programs' entry files wire them in, and everything between can be tested without touching the world.
 */
import type { KeyObject } from "node:crypto";
import type { SecretValue } from "./secret-value.ts";
import type { Files } from "./file-ports.ts";
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
