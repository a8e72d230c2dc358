/** The rows of a table: its b-tree, walked from the left to the right (https://www.sqlite.org/fileformat2.html, §1.6 and §2). */
import { databaseFault, type Pages } from "./pages.ts";

export type SqlValue = number | string | Uint8Array | null;

export interface Row {
  /** The rowid, which is also the value of an `integer primary key` column. */
  readonly id: number;
  readonly values: readonly SqlValue[];
}

/** SQLite's own limit for the depth (BTCURSOR_MAX_DEPTH). */
const deepest = 20;
/** Bytes of one row; a row of Nix has some hundred. */
const largestRow = 1 << 20;
const mostColumns = 100;

/** What a walk has taken: no page twice, and no more bytes of rows than there are bytes. */
interface Walk {
  readonly seen: Set<number>;
  left: number;
}

/**
 * `root` is the first page of the table. Pages that lead in a circle are `malformed`, and so are cells that share their
 * bytes: a small file could be as many rows as it likes.
 */
export function* rowsOf(pages: Pages, root: number): Generator<Row> {
  yield* below(pages, root, { seen: new Set(), left: pages.count * pages.pageSize }, 0);
}

function* below(pages: Pages, number: number, walk: Walk, depth: number): Generator<Row> {
  const { seen } = walk;
  if (depth > deepest)
    throw databaseFault(`a table is more than ${deepest} pages deep`, place(pages, number));
  if (seen.has(number)) throw databaseFault("pages lead in a circle", place(pages, number));
  seen.add(number);
  const page = pages.page(number);
  // The first page begins with the header of the file (§1.6).
  const start = number === 1 ? 100 : 0;
  const kind = page[start]!;
  if (kind !== 0x05 && kind !== 0x0d)
    throw databaseFault("a page is not one of a table", place(pages, number) + start);
  const cells = page.readUInt16BE(start + 3);
  const pointers = start + (kind === 0x05 ? 12 : 8);
  if (pointers + 2 * cells > pages.usable)
    throw databaseFault("a page has more cells than room", place(pages, number) + start + 3);
  for (let cell = 0; cell < cells; cell++) {
    const at = page.readUInt16BE(pointers + 2 * cell);
    if (at + 4 > pages.usable) throw databaseFault("a cell lies outside its page", place(pages, number) + at);
    if (kind === 0x05) yield* below(pages, page.readUInt32BE(at), walk, depth + 1);
    else yield rowAt(pages, page, number, at, walk);
  }
  if (kind === 0x05) yield* below(pages, page.readUInt32BE(start + 8), walk, depth + 1);
}

/** A cell of a leaf: the length of the record, the rowid, the record, of which the end may lie on other pages. */
function rowAt(pages: Pages, page: Buffer, number: number, at: number, walk: Walk): Row {
  const fault = (message: string): Error => databaseFault(message, place(pages, number) + at);
  const length = varint(page, at, pages.usable);
  const id = length === null ? null : varint(page, length.end, pages.usable);
  if (length === null || id === null) throw fault("a cell ends too soon");
  if (length.value > largestRow) throw fault(`a row has more than ${largestRow} bytes`);
  walk.left -= length.value;
  if (walk.left < 0) throw fault("rows lie over each other");
  return { id: id.value, values: columns(record(pages, page, id.end, length.value, fault), fault) };
}

/** §1.6, "cell payload overflow pages". */
function record(
  pages: Pages,
  page: Buffer,
  begin: number,
  length: number,
  fault: (message: string) => Error,
): Buffer {
  const { usable } = pages;
  const most = usable - 35;
  const least = Math.floor(((usable - 12) * 32) / 255) - 23;
  const filled = least + ((length - least) % (usable - 4));
  const local = length <= most ? length : filled <= most ? filled : least;
  if (begin + local + (length > local ? 4 : 0) > usable) throw fault("a row does not fit into its page");
  const parts = [page.subarray(begin, begin + local)];
  let next = length > local ? page.readUInt32BE(begin + local) : 0;
  // Each step takes some of what is left, so a circle of pages ends too.
  for (let left = length - local; left > 0;) {
    if (next === 0) throw fault("a row ends too soon");
    const overflow = pages.page(next);
    const size = Math.min(left, usable - 4);
    parts.push(overflow.subarray(4, 4 + size));
    next = overflow.readUInt32BE(0);
    left -= size;
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

/** §2.1: a header of types, then the values one after another. */
function columns(bytes: Buffer, fault: (message: string) => Error): SqlValue[] {
  const header = varint(bytes, 0, bytes.length);
  if (header === null || header.value > bytes.length) throw fault("a row's header does not fit into it");
  const values: SqlValue[] = [];
  let at = header.value;
  for (let type = header.end; type < header.value;) {
    const serial = varint(bytes, type, header.value);
    if (serial === null || values.length >= mostColumns) throw fault("a row's header is no list of types");
    type = serial.end;
    const size = sizeOf(serial.value);
    if (size === null || at + size > bytes.length) throw fault("a value does not fit into its row");
    values.push(valueAt(bytes, at, size, serial.value));
    at += size;
  }
  return values;
}

function sizeOf(serial: number): number | null {
  if (serial >= 12) return (serial - 12) >>> 1;
  return [0, 1, 2, 3, 4, 6, 8, 8, 0, 0][serial] ?? null;
}

function valueAt(bytes: Buffer, at: number, size: number, serial: number): SqlValue {
  if (serial === 0) return null;
  if (serial === 7) return bytes.readDoubleBE(at);
  if (serial === 8 || serial === 9) return serial - 8;
  if (serial === 6) return Number(bytes.readBigInt64BE(at));
  if (serial < 7) return bytes.readIntBE(at, size);
  return serial % 2 === 1 ? bytes.toString("utf8", at, at + size) : bytes.subarray(at, at + size);
}

/** §1.6: seven bits a byte, the first nine bytes at most. Null beyond `end`; more than a safe integer is none of ours. */
function varint(
  bytes: Buffer,
  at: number,
  end: number,
): { readonly value: number; readonly end: number } | null {
  let value = 0;
  for (let index = 0; index < 8; index++) {
    if (at + index >= end) return null;
    const byte = bytes[at + index]!;
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) return Number.isSafeInteger(value) ? { value, end: at + index + 1 } : null;
  }
  return null; // nine bytes: a number of more than 56 bits, or a negative one, which no rowid of Nix is
}

function place({ pageSize }: Pages, number: number): number {
  return (number - 1) * pageSize;
}
