/** The file of an index cut into its sections, each where the header says. */
import { NixsealError } from "../../../core/errors.ts";
import {
  advisoryWords,
  headerBytes,
  indexLimits,
  magic,
  qualifierWords,
  revisionWords,
  rowWords,
  sections,
  type Section,
} from "./layout.ts";

type WordSection = Exclude<Section, "text" | "extras">;

/** How many words make one entry. */
const entryWords: Readonly<Record<WordSection, number>> = {
  strings: 1,
  keys: 1,
  starts: 1,
  rows: rowWords,
  qualifiers: qualifierWords,
  advisories: advisoryWords,
  revisions: revisionWords,
};

interface Place {
  readonly offset: number;
  readonly length: number;
}

export class IndexFile {
  readonly bytes: Buffer;
  readonly #places: ReadonlyMap<Section, Place>;
  readonly #words = new Map<WordSection, Uint32Array>();

  /** `malformed` or `limit` unless the sections fill the file, in order and whole. */
  constructor(bytes: Uint8Array) {
    if (bytes.length > indexLimits.bytes)
      throw new NixsealError("limit", `an index has at most ${indexLimits.bytes} bytes, not ${bytes.length}`);
    const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
    this.bytes = Buffer.from(aligned.buffer, aligned.byteOffset, aligned.length);
    if (bytes.length < headerBytes || this.bytes.toString("latin1", 0, magic.length) !== magic)
      throw indexFault("it does not begin as one", 0);
    this.#places = this.#readHeader();
    for (const [section, unit] of Object.entries(entryWords) as [WordSection, number][])
      this.#words.set(section, this.#wordsOf(section, unit));
    if (this.words("strings").length === 0 || this.words("starts").length !== this.words("keys").length + 1)
      throw indexFault("its tables do not fit together", headerBytes);
  }

  #readHeader(): ReadonlyMap<Section, Place> {
    let expected = headerBytes;
    const places = sections.map((section, index) => {
      const at = magic.length + index * 8;
      const [offset, length] = [this.bytes.readUInt32LE(at), this.bytes.readUInt32LE(at + 4)];
      if (offset !== expected || offset + length > this.bytes.length)
        throw indexFault("it is cut or damaged", at);
      expected = Math.ceil((offset + length) / 4) * 4;
      return [section, { offset, length }] as const;
    });
    if (expected !== this.bytes.length) throw indexFault("it has bytes behind its end", expected);
    return new Map(places);
  }

  #wordsOf(section: WordSection, unit: number): Uint32Array {
    const { offset, length } = this.place(section);
    if (length % (unit * 4) !== 0) throw indexFault(`its ${section} are not whole`, offset);
    return new Uint32Array(this.bytes.buffer, this.bytes.byteOffset + offset, length / 4);
  }

  place(section: Section): Place {
    return this.#places.get(section)!;
  }

  words(section: WordSection): Uint32Array {
    return this.#words.get(section)!;
  }
}

export function indexFault(what: string, offset: number): NixsealError {
  return new NixsealError("malformed", `not an index of advisories: ${what}`, {
    where: { offset },
    hint: "fetch the advisories again with 'nixseal advisories update'",
  });
}
