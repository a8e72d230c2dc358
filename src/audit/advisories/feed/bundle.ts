/** A feed as one file for hosts without a network: a tar of the POSIX ustar form with nothing but plain files. */
import { concat } from "../../../core/bytes.ts";
import { NixsealError } from "../../../core/errors.ts";
import { parseTarHeader, tarBlock as block, tarEnd, tarHeader, tarPadding } from "../../../core/tar.ts";
import type { FeedSource } from "./source.ts";

export interface BundleFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const mostFiles = 2048;
const namePattern = /^(?:layers\/)?[0-9a-z][0-9a-z.]{0,90}$/;

/** Equal feeds are equal bytes. */
export function formatBundle(files: readonly BundleFile[]): Uint8Array {
  const parts = files.flatMap(({ name, bytes }) => [
    tarHeader(name, bytes.length),
    bytes,
    tarPadding(bytes.length),
  ]);
  return concat(...parts, tarEnd());
}

/** `malformed` for anything that `formatBundle` does not write: no links, no directories, no odd names, nothing behind the end. */
export function parseBundle(bytes: Uint8Array): FeedSource {
  const files = new Map<string, Uint8Array>();
  let offset = 0;
  while (true) {
    const head = bytes.subarray(offset, offset + block);
    if (head.length < block) throw fault("it is cut", offset);
    const parsed = parseTarHeader(head, namePattern);
    if (parsed === null) break;
    if (files.size >= mostFiles) throw new NixsealError("limit", `a bundle has at most ${mostFiles} files`);
    if (parsed === undefined) throw fault("a header is not one of ours", offset);
    const { name, size } = parsed;
    if (files.has(name)) throw fault("a file is there twice", offset);
    const begin = offset + block;
    const end = begin + Math.ceil(size / block) * block;
    if (end > bytes.length) throw fault("it is cut", begin);
    if (bytes.subarray(begin + size, end).some((byte) => byte !== 0))
      throw fault("padding is not zero", begin + size);
    files.set(name, bytes.subarray(begin, begin + size));
    offset = end;
  }
  const rest = bytes.subarray(offset);
  if (rest.length !== 2 * block || rest.some((byte) => byte !== 0))
    throw fault("it does not end as one", offset);
  return {
    async fetch(name, limit) {
      const found = files.get(name);
      if (found !== undefined && found.length > limit)
        throw new NixsealError("limit", `${name} has ${found.length} bytes, more than ${limit}`);
      return found ?? null;
    },
  };
}

function fault(what: string, offset: number): NixsealError {
  return new NixsealError("malformed", `not a bundle of a feed: ${what}`, { where: { offset } });
}
