/** Looks things up in an index, in place. Whatever the bytes are, it ends: with an answer or with `malformed`. */
import { utf8 } from "../../../core/bytes.ts";
import { NixsealError } from "../../../core/errors.ts";
import { severities, type Severity } from "../../../core/finding.ts";
import { Field } from "../../../nix/json-fields.ts";
import type { TeamFields } from "../advisory.ts";
import { readTeamFields } from "../team-fields.ts";
import {
  advisoryWords,
  headerBytes,
  indexLimits,
  magic,
  qualifierWords,
  revisionWords,
  rowWords,
  sections,
  unpackedFlags,
  type RowFlags,
  type Section,
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
  readonly #bytes: Buffer;
  readonly #place: ReadonlyMap<Section, { readonly offset: number; readonly length: number }>;
  readonly #words = new Map<Section, Uint32Array>();
  readonly #rows: Uint32Array;

  /** `malformed` or `limit` unless the parts of the file are where its header says. */
  constructor(bytes: Uint8Array) {
    if (bytes.length > indexLimits.bytes)
      throw new NixsealError("limit", `an index has at most ${indexLimits.bytes} bytes, not ${bytes.length}`);
    const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
    this.#bytes = Buffer.from(aligned.buffer, aligned.byteOffset, aligned.length);
    if (bytes.length < headerBytes || this.#bytes.toString("latin1", 0, magic.length) !== magic)
      throw fault("it does not begin as one", 0);
    this.#place = this.#readHeader();
    for (const [section, words] of [
      ["strings", 1],
      ["keys", 1],
      ["starts", 1],
      ["rows", rowWords],
      ["qualifiers", qualifierWords],
      ["advisories", advisoryWords],
      ["revisions", revisionWords],
    ] as const)
      this.#words.set(section, this.#wordsOf(section, words));
    this.#rows = this.#section("rows");
    if (
      this.#section("strings").length === 0 ||
      this.#section("starts").length !== this.#section("keys").length + 1
    )
      throw fault("its tables do not fit together", headerBytes);
  }

  #readHeader(): ReadonlyMap<Section, { offset: number; length: number }> {
    let expected = headerBytes;
    const places = sections.map((section, index) => {
      const at = magic.length + index * 8;
      const [offset, length] = [this.#bytes.readUInt32LE(at), this.#bytes.readUInt32LE(at + 4)];
      if (offset !== expected || offset + length > this.#bytes.length)
        throw fault("it is cut or damaged", at);
      expected = Math.ceil((offset + length) / 4) * 4;
      return [section, { offset, length }] as const;
    });
    if (expected !== this.#bytes.length) throw fault("it has bytes behind its end", expected);
    return new Map(places);
  }

  #wordsOf(section: Section, unit: number): Uint32Array {
    const { offset, length } = this.#place.get(section)!;
    if (length % (unit * 4) !== 0) throw fault(`its ${section} are not whole`, offset);
    return new Uint32Array(this.#bytes.buffer, this.#bytes.byteOffset + offset, length / 4);
  }

  #section(section: Section): Uint32Array {
    return this.#words.get(section)!;
  }

  get advisories(): number {
    return this.#section("advisories").length / advisoryWords;
  }

  get ranges(): number {
    return this.#section("rows").length / rowWords;
  }

  /** The bytes of a string, in place. */
  #string(number: number): { begin: number; end: number } {
    const ends = this.#section("strings");
    const { offset, length } = this.#place.get("text")!;
    const [begin, end] = [number === 0 ? 0 : ends[number - 1], ends[number]];
    if (begin === undefined || end === undefined || begin > end || end > length)
      throw fault(`it has no string ${number}`, offset);
    return { begin: offset + begin, end: offset + end };
  }

  text(number: number): string {
    const { begin, end } = this.#string(number);
    return this.#bytes.toString("utf8", begin, end);
  }

  /** The rows of a product's key: first and one behind the last; null when nothing is known of it. */
  find(key: string): { readonly first: number; readonly end: number } | null {
    const found = this.#search("keys", 1, utf8(key));
    if (found === null) return null;
    const starts = this.#section("starts");
    const [first, end] = [starts[found]!, starts[found + 1]!];
    if (first > end || end > this.ranges)
      throw fault("its rows are not in order", this.#place.get("starts")!.offset);
    return { first, end };
  }

  /** The number of the advisory with this id. */
  findAdvisory(id: string): number | null {
    return this.#search("advisories", advisoryWords, utf8(id));
  }

  #search(section: "keys" | "advisories", unit: number, wanted: Uint8Array): number | null {
    const words = this.#section(section);
    let low = 0;
    let high = words.length / unit;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const { begin, end } = this.#string(words[middle * unit]!);
      const order = this.#bytes.compare(wanted, 0, wanted.length, begin, end);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return null;
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
      throw fault(`row ${row} has unknown flags`, this.#place.get("rows")!.offset + row * rowWords * 4);
    return flags;
  }

  /**
   * How plain numbers with dots compare with a string of the same kind, without making one of it; missing numbers are zero.
   * Undefined when the string is anything else.
   */
  compareNumbers(numbers: readonly number[], string: number): -1 | 0 | 1 | undefined {
    const { begin, end } = this.#string(string);
    let order: -1 | 0 | 1 = 0;
    let component = 0;
    let at = begin;
    while (at < end) {
      let value = 0;
      const start = at;
      for (; at < end && this.#bytes[at] !== 0x2e; at++) {
        const digit = this.#bytes[at]! - 0x30;
        if (digit < 0 || digit > 9 || at - start >= 15) return undefined;
        value = value * 10 + digit;
      }
      if (at === start || at === end - 1) return undefined; // two dots, or one at the end
      const own = numbers[component++] ?? 0;
      if (order === 0 && own !== value) order = own < value ? -1 : 1;
      at++;
    }
    if (begin === end) return undefined;
    for (; order === 0 && component < numbers.length; component++) if (numbers[component]! > 0) order = 1;
    return order;
  }

  qualifier(number: number): { readonly vendor: string; readonly target: string; readonly reason: string } {
    const words = this.#section("qualifiers");
    const at = number * qualifierWords;
    if (at + qualifierWords > words.length) throw fault(`it has no qualifier ${number}`, 0);
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
    if (severity === undefined) throw fault(`advisory ${number} has no severity`, 0);
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
    const extras = this.#place.get("extras")!;
    if (length === 0) return null;
    if (offset + length > extras.length)
      throw fault(`advisory ${number} has no fields where it says`, extras.offset);
    const begin = extras.offset + offset;
    return readTeamFields(Field.parse(this.#bytes.toString("utf8", begin, begin + length), "advisory"));
  }

  /** Those with fields of their own, for questions that are not about a package. */
  *withTeamFields(): Generator<number> {
    if (this.#place.get("extras")!.length === 0) return;
    for (let number = 0; number < this.advisories; number++) if (this.#record(number)[7]! > 0) yield number;
  }

  /** Where on which channel a revision of nixpkgs (40 hex digits) stands. A revision may be on several. */
  channelsOf(revision: string): { readonly channel: string; readonly ordinal: number }[] {
    const words = this.#section("revisions");
    const { offset } = this.#place.get("revisions")!;
    const wanted = Buffer.from(revision, "hex");
    if (wanted.length !== 20) return [];
    const at = (number: number): number => offset + number * revisionWords * 4;
    let low = 0;
    let high = words.length / revisionWords;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#bytes.compare(wanted, 0, 20, at(middle), at(middle) + 20) < 0) low = middle + 1;
      else high = middle;
    }
    const found = [];
    for (; low < words.length / revisionWords; low++) {
      if (this.#bytes.compare(wanted, 0, 20, at(low), at(low) + 20) !== 0) break;
      found.push({
        channel: this.text(words[low * revisionWords + 5]!),
        ordinal: words[low * revisionWords + 6]!,
      });
    }
    return found;
  }

  #record(number: number): Uint32Array {
    const words = this.#section("advisories");
    if (number >= this.advisories) throw fault(`it has no advisory ${number}`, 0);
    return words.subarray(number * advisoryWords, (number + 1) * advisoryWords);
  }
}

function fault(what: string, offset: number): NixsealError {
  return new NixsealError("malformed", `not an index of advisories: ${what}`, {
    where: { offset },
    hint: "fetch the advisories again with 'nixseal advisories update'",
  });
}
