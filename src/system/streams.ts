import { constants, createReadStream, fstatSync, readFileSync, statSync } from "node:fs";
import { isatty } from "node:tty";
import { concat } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import type { Streams } from "../core/ports.ts";
import { systemError } from "./errors.ts";
import { PipePieces } from "./pipe-pieces.ts";

/** The first failure is the one to tell: later ones only say that the stream is closed. */
let stdoutFailure: NixsealError | undefined;

let stdinIsOpen = false;
let pipe: PipePieces | null = null;

/** The program's own streams. */
export const streams: Streams = {
  stdin: ({ reuse = false } = {}) => {
    if (!reuse || !isPipe(0)) return readStdin();
    pipe = new PipePieces(0, (cause) => ioError("cannot read stdin", cause));
    return pipe;
  },
  stdout: (bytes) =>
    new Promise((resolve, reject) => {
      heard(process.stdout).write(bytes, (cause) => {
        if (cause === null || cause === undefined) return resolve();
        stdoutFailure ??= ioError("cannot write to stdout", cause);
        reject(stdoutFailure);
      });
    }),
  stdinIsTerminal: isatty(0), // process.stdin and its like open a stream, which takes longer than some verbs
  stdoutIsTerminal: isatty(1),
  get stdoutIsLost() {
    return isLost(1);
  },
  readDescriptor: async (descriptor, limit) => {
    const parts: Uint8Array[] = [];
    let size = 0;
    try {
      for await (const part of createReadStream("", { fd: descriptor }) as AsyncIterable<Buffer>) {
        size += part.length;
        if (size > limit)
          throw new NixsealError("limit", `more than ${limit} bytes on file descriptor ${descriptor}`);
        parts.push(part);
      }
    } catch (cause) {
      if (cause instanceof NixsealError) throw cause;
      throw new NixsealError("io", `cannot read file descriptor ${descriptor}`, {
        hint: `open it for the program, as in ${descriptor}<FILE`,
        cause,
      });
    }
    return concat(...parts);
  },
};

/** What stderr does not take, nobody can be told. */
export const stderr = {
  write: (text: string): void => void heard(process.stderr).write(text),
  terminal: isatty(2),
};

/** Whoever writes to stdout is told of a failure by its callback and decides; the event alone would end the program. */
function heard(stream: NodeJS.WriteStream): NodeJS.WriteStream {
  if (stream.listenerCount("error") === 0) stream.on("error", () => undefined);
  return stream;
}

/**
 * Node puts /dev/null in the place of a standard stream that is closed, opened for reading and writing, before our first
 * line runs. A shell's `> /dev/null` is for writing only. Some parents open it as Node does when they want no output,
 * so that this is a reason to warn and not to fail.
 */
function isLost(descriptor: number): boolean {
  const status = fstatSync(descriptor);
  if (!status.isCharacterDevice() || status.rdev !== statSync("/dev/null").rdev) return false;
  const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, "latin1"))?.[1];
  return (Number.parseInt(flags ?? "0", 8) & accessMode) === constants.O_RDWR;
}

const accessMode = constants.O_WRONLY | constants.O_RDWR;

/** Ends what reads it, so that it keeps the program no more. One that nobody read is not opened for that. */
export function leaveStdin(): void {
  if (stdinIsOpen) process.stdin.destroy();
  void pipe?.return();
}

/** Node takes a directory for an empty stream: `secrets set NAME < DIRECTORY` would store an empty value. */
async function* readStdin(): AsyncGenerator<Uint8Array> {
  try {
    if (fstatSync(0).isDirectory()) throw new NixsealError("io", "stdin is a directory");
    stdinIsOpen = true;
    yield* process.stdin as AsyncIterable<Buffer>;
  } catch (cause) {
    throw cause instanceof NixsealError ? cause : ioError("cannot read stdin", cause);
  }
}

function isPipe(descriptor: number): boolean {
  const status = fstatSync(descriptor);
  return status.isFIFO() || status.isSocket();
}

function ioError(message: string, cause: unknown): NixsealError {
  const known = systemError(cause, "");
  const reason = known instanceof NixsealError ? `: ${known.message}` : "";
  return new NixsealError("io", `${message}${reason}`, { cause });
}
