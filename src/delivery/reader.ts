/** Where the files of a delivery are read from. */
import { basename, dirname, join } from "node:path";
import { NixsealError } from "../core/errors.ts";
import type { Downloads } from "../core/http-ports.ts";
import type { Files } from "../core/file-ports.ts";

export interface Reader {
  /** For messages. */
  readonly name: string;
  /**
   * A small file, whole; `tag` is the server's name for these bytes (an ETag). With the tag of an earlier answer null says that nothing
   * has changed. `not-found`, `limit`, `io`, `timeout`.
   */
  get(
    file: string,
    limit: number,
    tag?: string | null,
  ): Promise<{ readonly bytes: Uint8Array; readonly tag: string | null } | null>;
  /** A large one, in pieces. Errors as of `get`, also in the middle. */
  stream(file: string, limit: number): AsyncIterable<Uint8Array>;
}

/** Milliseconds: of a small file, and of an archive over a slow line. */
const patience = { small: 60_000, large: 6 * 3600_000 };

/** A stick may be anybody's: a symlink or a pipe in the place of a file is a fault. */
export function directoryReader(files: Pick<Files, "read" | "streamInside">, directory: string): Reader {
  return {
    name: directory,
    get: async (file, limit) => ({
      bytes: await files.read(join(directory, file), { limit, follow: false }),
      tag: null,
    }),
    stream: (file, limit) =>
      upTo(files.streamInside(join(directory, dirname(file)), basename(file)), limit, file),
  };
}

/** `url`: http or https, of the delivery's top. */
export function webReader(downloads: Downloads, url: string): Reader {
  const of = (file: string): string => `${url.replace(/\/+$/, "")}/${file}`;
  return {
    name: url,
    get: (file, limit, tag = null) => downloads.getChanged(of(file), { limit, timeout: patience.small, tag }),
    stream: (file, limit) => downloads.stream(of(file), { limit, timeout: patience.large }),
  };
}

async function* upTo(
  pieces: AsyncIterable<Uint8Array>,
  limit: number,
  file: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  let left = limit;
  for await (const piece of pieces) {
    left -= piece.length;
    if (left < 0) throw new NixsealError("limit", `${file} has more than ${limit} bytes`);
    yield piece;
  }
}
