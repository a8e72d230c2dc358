/** Makes an index from advisories. Needs the memory of the result about twice. */
import { concat, utf8 } from "../../../core/bytes.ts";
import { NixsealError } from "../../../core/errors.ts";
import { severities } from "../../../core/finding.ts";
import { severityOf, type Advisory, type AffectedProduct } from "../advisory.ts";
import type { ChannelRevision } from "../channels.ts";
import {
  advisoryWords,
  headerBytes,
  indexLimits,
  magic,
  packFlags,
  productKey,
  qualifierWords,
  revisionWords,
  rowWords,
  sections,
} from "./layout.ts";
import { StringTable } from "./string-table.ts";
import { Words } from "./words.ts";

/** The file's bytes. Advisories may come in any order; an id twice is `conflict`. */
export function buildIndex(
  advisories: Iterable<Advisory>,
  revisions: readonly ChannelRevision[] = [],
): Uint8Array {
  const builder = new IndexBuilder();
  for (const advisory of advisories) builder.add(advisory);
  return builder.finish(revisions);
}

class IndexBuilder {
  readonly #strings = new StringTable();
  readonly #rows = new Words();
  /** The key of every product, and where its rows end. */
  readonly #keys = new Words();
  readonly #ends = new Words();
  readonly #qualifiers = new Map<string, number>();
  readonly #qualifierWords = new Words();
  readonly #records = new Words();
  readonly #extras: Uint8Array[] = [];
  #extraBytes = 0;

  add(advisory: Advisory): void {
    const number = this.#records.length / advisoryWords;
    if (number >= indexLimits.advisories)
      throw new NixsealError("limit", `an index holds at most ${indexLimits.advisories} advisories`);
    this.#addRecord(advisory);
    // What was withdrawn keeps its record, so that it hides an older layer's.
    if (!advisory.withdrawn) for (const product of advisory.affected) this.#addProduct(number, product);
  }

  #addRecord(advisory: Advisory): void {
    const { team } = advisory;
    const extra = Object.values(team).some((value) => value !== undefined)
      ? utf8(JSON.stringify(team))
      : utf8("");
    const score = advisory.score === null ? 0 : Math.round(advisory.score * 10) + 1;
    const epss = advisory.epss === null ? 0 : Math.round(advisory.epss * 10_000) + 1;
    this.#records.push(
      this.#strings.add(advisory.id),
      this.#strings.add(advisory.aliases.join(" ")),
      this.#strings.add(advisory.summary),
      this.#strings.add(advisory.published.slice(0, 10)),
      severities.indexOf(severityOf(advisory)) |
        (score << 4) |
        (epss << 12) |
        (advisory.withdrawn ? 1 << 31 : 0),
      this.#strings.add(advisory.exploited ?? ""),
      this.#extraBytes,
      extra.length,
    );
    if (extra.length > 0) this.#extras.push(extra);
    this.#extraBytes += extra.length;
  }

  #addProduct(advisory: number, product: AffectedProduct): void {
    if (product.ranges.length === 0) return;
    const qualifier = this.#qualifier(product);
    for (const [index, range] of product.ranges.entries()) {
      this.#rows.push(
        advisory,
        qualifier,
        this.#strings.add(range.from ?? ""),
        this.#strings.add(range.to ?? ""),
        packFlags({ ...range, first: index === 0 }),
      );
    }
    this.#keys.push(this.#strings.add(productKey(product.kind, product.name)));
    this.#ends.push(this.#rows.length / rowWords);
    if (this.#rows.length / rowWords > indexLimits.rows)
      throw new NixsealError("limit", `an index holds at most ${indexLimits.rows} ranges`);
  }

  #qualifier({ vendor, target, reason }: AffectedProduct): number {
    const key = `${vendor}\0${target}\0${reason}`;
    const known = this.#qualifiers.get(key);
    if (known !== undefined) return known;
    const number = this.#qualifiers.size;
    this.#qualifiers.set(key, number);
    this.#qualifierWords.push(...[vendor, target, reason].map((text) => this.#strings.add(text)));
    return number;
  }

  finish(revisions: readonly ChannelRevision[]): Uint8Array {
    const packed = new Uint8Array(packRevisions(revisions, this.#strings));
    const { keys, starts, rows } = this.#sortedRows();
    const [qualifiers, advisories] = [this.#qualifierWords.bytes(), this.#sortedRecords(rows)];
    const order = numbersByUse(this.#strings.size, [
      { bytes: keys, unit: 1, columns: [0] },
      { bytes: rows, unit: rowWords, columns: [2, 3] },
      { bytes: qualifiers, unit: qualifierWords, columns: [0, 1, 2] },
      { bytes: advisories, unit: advisoryWords, columns: [0, 1, 2, 3, 5] },
      { bytes: packed, unit: revisionWords, columns: [5] },
    ]);
    const { ends, text } = this.#strings.finish(order);
    const parts: Record<(typeof sections)[number], Uint8Array> = {
      strings: ends,
      text,
      keys,
      starts,
      rows,
      qualifiers,
      advisories,
      extras: Buffer.concat(this.#extras),
      revisions: packed,
    };
    return assemble(sections.map((section) => parts[section]));
  }

  #sortedRows(): { keys: Uint8Array; starts: Uint8Array; rows: Uint8Array } {
    const order = Uint32Array.from({ length: this.#keys.length }, (_, index) => index);
    const rank = this.#strings.ranks();
    order.sort((a, b) => rank[this.#keys.at(a)]! - rank[this.#keys.at(b)]! || a - b);
    const [keys, starts, rows] = [new Words(), new Words(), new Words(this.#rows.length)];
    let last = -1;
    for (const product of order) {
      const key = this.#keys.at(product);
      if (key !== last) {
        keys.push(key);
        starts.push(rows.length / rowWords);
        last = key;
      }
      const begin = product === 0 ? 0 : this.#ends.at(product - 1);
      rows.append(this.#rows.slice(begin * rowWords, this.#ends.at(product) * rowWords));
    }
    starts.push(rows.length / rowWords);
    return { keys: keys.bytes(), starts: starts.bytes(), rows: rows.bytes() };
  }

  /** Sorts the records by id and rewrites the numbers that rows know them by. */
  #sortedRecords(rows: Uint8Array): Uint8Array {
    const count = this.#records.length / advisoryWords;
    const id = (number: number): number => this.#records.at(number * advisoryWords);
    const rank = this.#strings.ranks();
    const order = Uint32Array.from({ length: count }, (_, index) => index);
    order.sort((a, b) => rank[id(a)]! - rank[id(b)]!);
    const position = new Uint32Array(count);
    const sorted = new Words(this.#records.length);
    for (const [index, number] of order.entries()) {
      if (index > 0 && id(order[index - 1]!) === id(number))
        throw new NixsealError("conflict", `advisory ${this.#strings.text(id(number))} is there twice`);
      position[number] = index;
      sorted.append(this.#records.slice(number * advisoryWords, (number + 1) * advisoryWords));
    }
    const words = new Uint32Array(rows.buffer, rows.byteOffset, rows.length / 4);
    for (let row = 0; row < words.length; row += rowWords) words[row] = position[words[row]!]!;
    return sorted.bytes();
  }
}

/** A section that names strings in these columns of its entries. */
interface Naming {
  readonly bytes: Uint8Array;
  readonly unit: number;
  readonly columns: readonly number[];
}

/**
 * Gives strings new numbers in the order in which the sections name them, and writes these: the versions that one package is
 * compared with then lie together, and the comparing does not wait for the memory. The old numbers in the order of the new ones.
 */
function numbersByUse(count: number, sectionsThatName: readonly Naming[]): Uint32Array {
  const numbers = new Uint32Array(count);
  const order = new Uint32Array(count);
  let next = 1; // the empty string keeps its number
  for (const { bytes, unit, columns } of sectionsThatName) {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    for (let entry = 0; entry < words.length; entry += unit)
      for (const column of columns) {
        const old = words[entry + column]!;
        if (old !== 0 && numbers[old] === 0) {
          numbers[old] = next;
          order[next++] = old;
        }
        words[entry + column] = numbers[old]!;
      }
  }
  return order.subarray(0, next);
}

function packRevisions(revisions: readonly ChannelRevision[], strings: StringTable): Uint8Array {
  const sorted = [...revisions].sort((a, b) =>
    a.revision < b.revision ? -1 : a.revision > b.revision ? 1 : 0,
  );
  const packed = sorted.map(({ revision, channel, ordinal }) => {
    const place = Uint32Array.of(strings.add(channel), ordinal);
    return concat(new Uint8Array(Buffer.from(revision, "hex")), new Uint8Array(place.buffer));
  });
  return Buffer.concat(packed);
}

function assemble(parts: readonly Uint8Array[]): Uint8Array {
  const aligned = (length: number): number => Math.ceil(length / 4) * 4;
  const file = new Uint8Array(parts.reduce((size, part) => size + aligned(part.length), headerBytes));
  file.set(utf8(magic));
  const header = new Uint32Array(file.buffer, magic.length, sections.length * 2);
  let offset = headerBytes;
  for (const [index, part] of parts.entries()) {
    header.set([offset, part.length], index * 2);
    file.set(part, offset);
    offset += aligned(part.length);
  }
  if (file.length > indexLimits.bytes)
    throw new NixsealError("limit", `an index has at most ${indexLimits.bytes} bytes`);
  return file;
}
