/** A feed as one file for hosts without a network: a tar of the POSIX ustar form with nothing but plain files. */
import { concat, utf8 } from "../../../core/bytes.ts";
import { NixsealError } from "../../../core/errors.ts";
import type { FeedSource } from "./source.ts";

export interface BundleFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const block = 512;
const mostFiles = 2048;
const namePattern = /^(?:layers\/)?[0-9a-z][0-9a-z.]{0,90}$/;

/** Readable by `tar`; owner, time and mode are the same for everybody, so that equal feeds are equal bytes. */
export function formatBundle(files: readonly BundleFile[]): Uint8Array {
  const parts = files.flatMap(({ name, bytes }) => [
    header(name, bytes.length),
    bytes,
    new Uint8Array((block - (bytes.length % block)) % block),
  ]);
  return concat(...parts, new Uint8Array(2 * block));
}

/** `malformed` for anything that `formatBundle` does not write: no links, no directories, no odd names, nothing behind the end. */
export function parseBundle(bytes: Uint8Array): FeedSource {
  const files = new Map<string, Uint8Array>();
  let offset = 0;
  while (true) {
    const head = bytes.subarray(offset, offset + block);
    if (head.length < block) throw fault("it is cut", offset);
    if (head.every((byte) => byte === 0)) break;
    if (files.size >= mostFiles) throw new NixsealError("limit", `a bundle has at most ${mostFiles} files`);
    const name = Buffer.from(head.subarray(0, 100)).toString("latin1").replace(/\0+$/, "");
    const sizeText = Buffer.from(head.subarray(124, 136)).toString("latin1");
    const size = /^[0-7]{11}\0$/.test(sizeText) ? Number.parseInt(sizeText, 8) : Number.NaN;
    if (!namePattern.test(name) || Number.isNaN(size) || Buffer.compare(header(name, size), head) !== 0)
      throw fault("a header is not one of ours", offset);
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

function header(name: string, size: number): Uint8Array {
  const head = new Uint8Array(block);
  const put = (text: string, offset: number): void => head.set(utf8(text), offset);
  put(name, 0);
  put("0000644\0", 100);
  put("0000000\0", 108);
  put("0000000\0", 116);
  put(`${size.toString(8).padStart(11, "0")}\0`, 124);
  put("00000000000\0", 136);
  put("        ", 148); // the checksum counts its own field as spaces
  put("0", 156);
  put("ustar\x0000", 257);
  const sum = head.reduce((total, byte) => total + byte, 0);
  put(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return head;
}

function fault(what: string, offset: number): NixsealError {
  return new NixsealError("malformed", `not a bundle of a feed: ${what}`, { where: { offset } });
}
