import { concat, utf8 } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Trees } from "../../core/tree-ports.ts";
import { defaultNarLimits, narMagic } from "./format.ts";

type Readable = Pick<Trees, "status" | "list" | "readLink" | "read">;

/**
 * Small strings are gathered up to this many bytes, so that a tree of small files does not become a stream of
 * crumbs.
 */
const gathered = 32 << 10;

interface OpenDirectory {
  readonly path: Uint8Array;
  readonly names: readonly Uint8Array[];
  next: number;
}

/**
 * The NAR of a file system object, in pieces: what `nix-store --dump` writes. Memory is flat but for the
 * names in the directories on the way. Throws `not-found`, `io` (also for sockets and devices, which a NAR
 * cannot hold, and for a file whose size changes meanwhile) and `limit`.
 */
export async function* writeNar(trees: Readable, path: string): AsyncGenerator<Uint8Array, void, undefined> {
  let out: Uint8Array[] = [narString(narMagic)];
  let size = 0;
  const put = (...strings: (string | Uint8Array)[]): void => {
    for (const string of strings) {
      const bytes = narString(string);
      out.push(bytes);
      size += bytes.length;
    }
  };
  const flush = (): Uint8Array => {
    const bytes = concat(...out);
    out = [];
    size = 0;
    return bytes;
  };

  const open: OpenDirectory[] = [];
  let current: Uint8Array | undefined = utf8(path);
  while (current !== undefined) {
    const { kind, executable, size: fileSize } = await trees.status(current);
    put("(", "type");
    if (kind === "directory") {
      put("directory");
      if (open.length >= defaultNarLimits.depth)
        throw new NixsealError(
          "limit",
          `directories nest deeper than ${defaultNarLimits.depth}`,
          place(current),
        );
      open.push({ path: current, names: await trees.list(current), next: 0 });
    } else {
      if (kind === "symlink") put("symlink", "target", await trees.readLink(current), ")");
      else if (kind === "file") {
        put("regular", ...(executable ? ["executable", ""] : []), "contents");
        out.push(integer(fileSize));
        for await (const piece of exactly(trees.read(current), fileSize, current)) {
          if (piece.length < gathered) {
            out.push(piece);
            size += piece.length;
            if (size >= gathered) yield flush();
          } else {
            // Large pieces go on as they are, without a copy.
            if (out.length > 0) yield flush();
            yield piece;
          }
        }
        out.push(new Uint8Array(padding(fileSize)));
        put(")");
      } else
        throw new NixsealError("io", "only files, directories and symlinks fit into a NAR", place(current));
      if (open.length > 0) put(")");
    }
    current = nextEntry(open, put);
    if (size >= gathered) yield flush();
  }
  if (out.length > 0) yield flush();
}

/** Closes what is complete and starts the next entry; its path, or undefined at the end. */
function nextEntry(
  open: OpenDirectory[],
  put: (...strings: (string | Uint8Array)[]) => void,
): Uint8Array | undefined {
  for (let directory = open.at(-1); directory !== undefined; directory = open.at(-1)) {
    const name = directory.names[directory.next++];
    if (name !== undefined) {
      put("entry", "(", "name", name, "node");
      return concat(directory.path, utf8("/"), name);
    }
    open.pop();
    put(")", ...(open.length > 0 ? [")"] : []));
  }
  return undefined;
}

/**
 * The size is written before the content: a file that grows or shrinks meanwhile would make an archive of
 * something else.
 */
async function* exactly(
  pieces: AsyncIterable<Uint8Array>,
  size: number,
  path: Uint8Array,
): AsyncGenerator<Uint8Array, void, undefined> {
  let read = 0;
  for await (const piece of pieces) {
    read += piece.length;
    if (read > size) break;
    yield piece;
  }
  if (read !== size)
    throw new NixsealError("io", "the file changed while it was read", {
      ...place(path),
      hint: "run it again when nothing writes to the file",
    });
}

/** Length, bytes, zeros up to a multiple of eight. */
function narString(value: string | Uint8Array): Uint8Array {
  const bytes = typeof value === "string" ? utf8(value) : value;
  const framed = new Uint8Array(8 + bytes.length + padding(bytes.length));
  framed.set(integer(bytes.length));
  framed.set(bytes, 8);
  return framed;
}

function integer(value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function padding(length: number): number {
  return (8 - (length % 8)) % 8;
}

function place(path: Uint8Array): { where: { file: string } } {
  return { where: { file: Buffer.from(path).toString() } };
}
