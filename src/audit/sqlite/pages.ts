/** The pages of an SQLite database file (https://www.sqlite.org/fileformat2.html), with its write-ahead log laid over them. */
import { NixsealError } from "../../core/errors.ts";

export const databaseMagic = Buffer.from("SQLite format 3\0", "latin1");

/** A database that nothing is written to. Whatever the bytes are, reading them ends: with an answer or with `malformed`. */
export class Pages {
  readonly pageSize: number;
  /** Bytes of a page that hold cells: some extensions keep the end of each page for themselves. */
  readonly usable: number;
  readonly count: number;
  readonly #bytes: Buffer;
  readonly #newer: ReadonlyMap<number, Buffer>;

  constructor(database: Uint8Array, log: Uint8Array | null) {
    this.#bytes = view(database);
    if (!isDatabase(database) || database.length < 512)
      throw databaseFault("it does not begin as an SQLite database does", 0);
    const size = this.#bytes.readUInt16BE(16);
    this.pageSize = size === 1 ? 65_536 : size;
    if (this.pageSize < 512 || (this.pageSize & (this.pageSize - 1)) !== 0)
      throw databaseFault("its page size is no power of two from 512 to 65536", 16);
    this.usable = this.pageSize - this.#bytes[20]!;
    if (this.usable < 480) throw databaseFault("its pages have no room for anything", 20);
    const written = log === null ? null : committedPages(view(log), this.pageSize);
    this.#newer = written?.pages ?? new Map();
    // What the header says of the size may be out of date (§1.3.7): the file's length is not.
    this.count = written?.count ?? Math.floor(this.#bytes.length / this.pageSize);
    // §1.3.13: 1 is UTF-8. Nix writes nothing else; the others would be read as something that they are not.
    const encoding = this.page(1).readUInt32BE(56);
    if (encoding !== 1) throw databaseFault("its texts are not UTF-8", 56);
  }

  /** Pages count from 1. */
  page(number: number): Buffer {
    const newer = this.#newer.get(number);
    if (newer !== undefined) return newer;
    const begin = (number - 1) * this.pageSize;
    if (number < 1 || number > this.count || begin + this.pageSize > this.#bytes.length)
      throw databaseFault(`it has no page ${number}`, 0);
    return this.#bytes.subarray(begin, begin + this.pageSize);
  }
}

export function isDatabase(bytes: Uint8Array): boolean {
  return view(bytes.subarray(0, databaseMagic.length)).equals(databaseMagic);
}

export function databaseFault(message: string, offset: number): NixsealError {
  return new NixsealError("malformed", `the database is damaged: ${message}`, { where: { offset } });
}

const headerBytes = 32;
const frameHeaderBytes = 24;

/**
 * What the log's committed transactions wrote (§4). Nix keeps its database in this mode: what it registered lately may be
 * in the log alone. Frames after the last commit, of an older round (other salts) or with a wrong checksum do not count, as
 * for SQLite itself: a log that is cut short is a shorter log, not an error.
 */
function committedPages(
  log: Buffer,
  pageSize: number,
): { readonly pages: ReadonlyMap<number, Buffer>; readonly count: number } | null {
  if (log.length < headerBytes) return null;
  const magic = log.readUInt32BE(0);
  if (magic !== 0x377f0682 && magic !== 0x377f0683) return null;
  const bigEndian = magic === 0x377f0683;
  if (log.readUInt32BE(8) !== pageSize) return null;
  let sums = checksum(log.subarray(0, 24), bigEndian, [0, 0]);
  if (sums[0] !== log.readUInt32BE(24) || sums[1] !== log.readUInt32BE(28)) return null;
  const [salt1, salt2] = [log.readUInt32BE(16), log.readUInt32BE(20)];
  const pages = new Map<number, Buffer>();
  let open: [number, Buffer][] = [];
  let count = 0;
  for (
    let at = headerBytes;
    at + frameHeaderBytes + pageSize <= log.length;
    at += frameHeaderBytes + pageSize
  ) {
    if (log.readUInt32BE(at + 8) !== salt1 || log.readUInt32BE(at + 12) !== salt2) break;
    const content = log.subarray(at + frameHeaderBytes, at + frameHeaderBytes + pageSize);
    sums = checksum(content, bigEndian, checksum(log.subarray(at, at + 8), bigEndian, sums));
    if (sums[0] !== log.readUInt32BE(at + 16) || sums[1] !== log.readUInt32BE(at + 20)) break;
    open.push([log.readUInt32BE(at), content]);
    const committed = log.readUInt32BE(at + 4);
    if (committed === 0) continue;
    for (const [number, page] of open) pages.set(number, page);
    open = [];
    count = committed;
  }
  return count === 0 ? null : { pages, count };
}

/** §4.2: two sums over pairs of 32-bit words. The lengths here are multiples of eight. */
function checksum(
  bytes: Buffer,
  bigEndian: boolean,
  [first, second]: readonly [number, number],
): [number, number] {
  let [s0, s1] = [first, second];
  for (let at = 0; at < bytes.length; at += 8) {
    const [a, b] = bigEndian
      ? [bytes.readUInt32BE(at), bytes.readUInt32BE(at + 4)]
      : [bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4)];
    s0 = (s0 + a + s1) >>> 0;
    s1 = (s1 + b + s0) >>> 0;
  }
  return [s0, s1];
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
