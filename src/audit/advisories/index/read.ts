/** Looks things up in an index, in place. Whatever the bytes are, it ends: with an answer or with `malformed`. */
import { utf8 } from "../../../core/bytes.ts";
import { severities, type Severity } from "../../../core/finding.ts";
import { Field } from "../../../nix/json-fields.ts";
import type { ProductKind, TeamFields } from "../advisory.ts";
import { readTeamFields } from "../team-fields.ts";
import { compareBytes, compareNumbers } from "./compare.ts";
import { IndexFile, indexFault } from "./file.ts";
import {
  advisoryWords,
  productKey,
  qualifierWords,
  revisionWords,
  rowWords,
  unpackedFlags,
  type RowFlags,
} from "./layout.ts";

/** What the index keeps of an advisory. */
export interface IndexedAdvisory {
  readonly id: string;
  readonly aliases: readonly string[];
  readonly summary: string;
  readonly published: string;
  readonly withdrawn: boolean;
  readonly severity: Severity;
  readonly score: number | null;
  readonly epss: number | null;
  readonly exploited: string | null;
}

export class AdvisoryIndex {
  readonly #file: IndexFile;
  readonly #rows: Uint32Array;
  readonly #ends: Uint32Array;
  readonly #kinds = new Map<ProductKind, boolean>();
  readonly #text: { readonly offset: number; readonly length: number };

  /** `malformed` or `limit` for what is no index as a whole; damage inside is found when it is read. */
  constructor(bytes: Uint8Array) {
    this.#file = new IndexFile(bytes);
    this.#rows = this.#file.words("rows");
    this.#ends = this.#file.words("strings");
    this.#text = this.#file.place("text");
  }

  get advisories(): number {
    return this.#file.words("advisories").length / advisoryWords;
  }

  get ranges(): number {
    return this.#file.words("rows").length / rowWords;
  }

  /**
   * Where the bytes of a string begin and end, in place. Two functions and no pair: a closure asks some hundred thousand times.
   */
  #begin(number: number): number {
    return this.#text.offset + (number === 0 ? 0 : this.#ends[number - 1]!);
  }

  #end(number: number): number {
    const end = this.#ends[number];
    const { offset, length } = this.#text;
    if (end === undefined || end > length || (number > 0 && this.#ends[number - 1]! > end))
      throw indexFault(`it has no string ${number}`, offset);
    return offset + end;
  }

  text(number: number): string {
    const end = this.#end(number);
    return this.#file.bytes.toString("utf8", this.#begin(number), end);
  }

  /** The rows of a product's key: first and one behind the last; null when nothing is known of it. */
  find(key: string): { readonly first: number; readonly end: number } | null {
    const found = this.#search("keys", 1, utf8(key));
    if (found === null) return null;
    const starts = this.#file.words("starts");
    const [first, end] = [starts[found]!, starts[found + 1]!];
    if (first > end || end > this.ranges)
      throw indexFault("its rows are not in order", this.#file.place("starts").offset);
    return { first, end };
  }

  /** The number of the advisory with this id. */
  findAdvisory(id: string): number | null {
    return this.#search("advisories", advisoryWords, utf8(id));
  }

  /** Whether it has products of a kind at all: most indexes have no statement and no output, and a closure asks for each. */
  knows(kind: ProductKind): boolean {
    const known = this.#kinds.get(kind);
    if (known !== undefined) return known;
    const prefix = utf8(productKey(kind, ""));
    const words = this.#file.words("keys");
    const first = words[this.#lowerBound(words, 1, prefix)];
    let has = false;
    if (first !== undefined) {
      const [begin, end] = [this.#begin(first), this.#end(first)];
      const { bytes } = this.#file;
      has = end - begin >= prefix.length && compareBytes(prefix, bytes, begin, begin + prefix.length) === 0;
    }
    this.#kinds.set(kind, has);
    return has;
  }

  #search(section: "keys" | "advisories", unit: number, wanted: Uint8Array): number | null {
    const words = this.#file.words(section);
    const place = this.#lowerBound(words, unit, wanted);
    const string = words[place * unit];
    if (string === undefined) return null;
    const end = this.#end(string);
    return compareBytes(wanted, this.#file.bytes, this.#begin(string), end) === 0 ? place : null;
  }

  /** The first entry that is not before what is wanted. */
  #lowerBound(words: Uint32Array, unit: number, wanted: Uint8Array): number {
    const { bytes } = this.#file;
    let low = 0;
    let high = words.length / unit;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const string = words[middle * unit]!;
      const end = this.#end(string);
      if (compareBytes(wanted, bytes, this.#begin(string), end) > 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Of a row: the advisory, the qualifier, and the numbers of the strings at its ends (0 is no end). */
  rowAdvisory(row: number): number {
    return this.#rows[row * rowWords]!;
  }
  rowQualifier(row: number): number {
    return this.#rows[row * rowWords + 1]!;
  }
  rowFrom(row: number): number {
    return this.#rows[row * rowWords + 2]!;
  }
  rowTo(row: number): number {
    return this.#rows[row * rowWords + 3]!;
  }

  rowFlags(row: number): RowFlags {
    const flags = unpackedFlags[this.#rows[row * rowWords + 4]!];
    if (flags === null || flags === undefined)
      throw indexFault(`row ${row} has unknown flags`, this.#file.place("rows").offset + row * rowWords * 4);
    return flags;
  }

  /** `compareNumbers` with a string of the index. */
  compareNumbers(numbers: readonly number[], string: number): -1 | 0 | 1 | undefined {
    const end = this.#end(string);
    return compareNumbers(numbers, this.#file.bytes, this.#begin(string), end);
  }

  qualifier(number: number): { readonly vendor: string; readonly target: string; readonly reason: string } {
    const words = this.#file.words("qualifiers");
    const at = number * qualifierWords;
    if (at + qualifierWords > words.length) throw indexFault(`it has no qualifier ${number}`, 0);
    return {
      vendor: this.text(words[at]!),
      target: this.text(words[at + 1]!),
      reason: this.text(words[at + 2]!),
    };
  }

  advisory(number: number): IndexedAdvisory {
    const [id, aliases, summary, published, scores, exploited] = this.#record(number);
    const score = (scores! >> 4) & 0xff;
    const epss = (scores! >> 12) & 0x7fff;
    const severity = severities[scores! & 0xf];
    if (severity === undefined) throw indexFault(`advisory ${number} has no severity`, 0);
    return {
      id: this.text(id!),
      aliases: this.text(aliases!).split(" ").filter(Boolean),
      summary: this.text(summary!),
      published: this.text(published!),
      withdrawn: scores! >>> 31 === 1,
      severity,
      score: score === 0 ? null : (score - 1) / 10,
      epss: epss === 0 ? null : (epss - 1) / 10_000,
      exploited: exploited === 0 ? null : this.text(exploited!),
    };
  }

  /** Null for the many that have none. */
  teamFields(number: number): TeamFields | null {
    const record = this.#record(number);
    const [offset, length] = [record[6]!, record[7]!];
    const extras = this.#file.place("extras");
    if (length === 0) return null;
    if (offset + length > extras.length)
      throw indexFault(`advisory ${number} has no fields where it says`, extras.offset);
    const begin = extras.offset + offset;
    return readTeamFields(Field.parse(this.#file.bytes.toString("utf8", begin, begin + length), "advisory"));
  }

  /** Those with fields of their own, for questions that are not about a package. */
  *withTeamFields(): Generator<number> {
    if (this.#file.place("extras").length === 0) return;
    for (let number = 0; number < this.advisories; number++) if (this.#record(number)[7]! > 0) yield number;
  }

  /** Where on which channel a revision of nixpkgs (40 hex digits) stands. A revision may be on several. */
  channelsOf(revision: string): { readonly channel: string; readonly ordinal: number }[] {
    const words = this.#file.words("revisions");
    const { offset } = this.#file.place("revisions");
    const wanted = Buffer.from(revision, "hex");
    if (wanted.length !== 20) return [];
    const at = (number: number): number => offset + number * revisionWords * 4;
    let low = 0;
    let high = words.length / revisionWords;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#file.bytes.compare(wanted, 0, 20, at(middle), at(middle) + 20) < 0) low = middle + 1;
      else high = middle;
    }
    const found = [];
    for (; low < words.length / revisionWords; low++) {
      if (this.#file.bytes.compare(wanted, 0, 20, at(low), at(low) + 20) !== 0) break;
      found.push({
        channel: this.text(words[low * revisionWords + 5]!),
        ordinal: words[low * revisionWords + 6]!,
      });
    }
    return found;
  }

  #record(number: number): Uint32Array {
    const words = this.#file.words("advisories");
    if (number >= this.advisories) throw indexFault(`it has no advisory ${number}`, 0);
    return words.subarray(number * advisoryWords, (number + 1) * advisoryWords);
  }
}
