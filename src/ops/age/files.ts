/** Where `age` verbs read from and write to. */
import { resolve } from "node:path";
import { NixsealError } from "../../core/errors.ts";
import type { AtomicFile, FileStatus } from "../../core/file-ports.ts";
import { lostOutput } from "../lost-output.ts";
import type { Context } from "../op.ts";

const progressEvery = 8 << 20;
const writeSize = 512 << 10;

/** A file, or standard input for `-` and nothing. Progress is told where the size is known and worth it. */
export async function openInput(
  context: Context,
  path: string | undefined,
  task: string,
): Promise<AsyncIterable<Uint8Array>> {
  if (path === undefined || path === "-") return context.streams.stdin();
  const absolute = resolve(context.workingDirectory, path);
  const status = await context.files.status(absolute);
  if (status === null) throw new NixsealError("not-found", "no such file", { where: { file: path } });
  if (status.kind === "directory")
    throw new NixsealError("usage", "it is a directory", { where: { file: path } });
  const stream = context.files.stream(absolute);
  return status.kind === "file" && status.size > progressEvery
    ? withProgress(context, stream, task, status.size)
    : stream;
}

async function* withProgress(
  { emit }: Context,
  stream: AsyncIterable<Uint8Array>,
  task: string,
  total: number,
): AsyncGenerator<Uint8Array> {
  let done = 0;
  let told = 0;
  for await (const piece of stream) {
    yield piece;
    done += piece.length;
    if (done - told < progressEvery) continue;
    emit({ type: "progress", task, done, total, unit: "bytes" });
    told = done;
  }
}

/** `-` may stand for one file only. */
export function requireOneStdin(paths: readonly (string | undefined)[]): void {
  if (paths.filter((path) => path === undefined || path === "-").length > 1)
    throw new NixsealError("usage", "standard input is wanted for more than one thing", {
      hint: "name files instead",
    });
}

/** A file under way to its place, or standard output. */
export interface Output {
  write(bytes: Uint8Array): Promise<void>;
  /** Puts the file in its place; before this nothing is there. */
  commit(): Promise<void>;
  discard(): Promise<void>;
}

/**
 * Checks that `path` may be written to. `fresh` is for a file that is not there yet; one that is keeps its mode.
 * `inUse` are the files that the output must not be.
 */
export async function openOutput(
  context: Context,
  path: string | undefined,
  fresh: { readonly mode: number; readonly umask?: boolean },
  inUse: readonly (string | undefined)[],
): Promise<Output> {
  if (path === undefined || path === "-") return standardOutput(context);
  const { files, workingDirectory } = context;
  const absolute = resolve(workingDirectory, path);
  const existing = await files.status(absolute);
  if (existing !== null) await requireOther(context, path, existing, inUse);
  // Through a symlink, as age: it is the file behind it that is replaced.
  const target = existing === null ? absolute : await files.realPath(absolute);
  return new FileOutput(() => files.openAtomic(target, existing === null ? fresh : { mode: existing.mode }));
}

/** Opened with the first bytes, so that a file that cannot be decrypted at all leaves no trace; written in large pieces. */
class FileOutput implements Output {
  readonly #open: () => Promise<AtomicFile>;
  #file: AtomicFile | undefined;
  /** One for the whole file: a new one for each piece would be work for the garbage collector only. */
  readonly #pending = Buffer.alloc(writeSize);
  #size = 0;

  constructor(open: () => Promise<AtomicFile>) {
    this.#open = open;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let start = 0; start < bytes.length;) {
      const part = bytes.subarray(start, start + writeSize - this.#size);
      this.#pending.set(part, this.#size);
      this.#size += part.length;
      start += part.length;
      if (this.#size === writeSize) await this.#flush();
    }
  }

  async commit(): Promise<void> {
    await (await this.#flush()).commit();
  }

  async discard(): Promise<void> {
    this.#pending.fill(0); // a plaintext, perhaps
    await this.#file?.discard();
  }

  async #flush(): Promise<AtomicFile> {
    this.#file ??= await this.#open();
    await this.#file.write(this.#pending.subarray(0, this.#size));
    this.#size = 0;
    return this.#file;
  }
}

function standardOutput({ streams, emit }: Context): Output {
  let told = false;
  return {
    write: (bytes) => {
      if (!told && streams.stdoutIsLost) emit(lostOutput);
      told = true;
      return streams.stdout(bytes);
    },
    commit: async () => undefined,
    discard: async () => undefined,
  };
}

async function requireOther(
  { files, workingDirectory }: Context,
  path: string,
  existing: FileStatus,
  inUse: readonly (string | undefined)[],
): Promise<void> {
  // A device or a pipe cannot be replaced by a rename; as root it even would be, and /dev/null be gone.
  if (existing.kind !== "file")
    throw new NixsealError("usage", "the output is not a regular file", {
      hint: `use a redirection: > ${path}`,
      where: { file: path },
    });
  for (const used of inUse) {
    if (used === undefined || used === "-") continue;
    const status = await files.status(resolve(workingDirectory, used));
    if (status !== null && status.device === existing.device && status.inode === existing.inode)
      throw new NixsealError("usage", "input and output are the same file", { where: { file: path } });
  }
}

/** All of `pieces`, then the file is put in its place; on any failure nothing of it stays. Gives the number of bytes. */
export async function writeAll(output: Output, pieces: AsyncIterable<Uint8Array>): Promise<number> {
  let size = 0;
  try {
    for await (const piece of pieces) {
      await output.write(piece);
      size += piece.length;
    }
    await output.commit();
  } finally {
    await output.discard();
  }
  return size;
}
