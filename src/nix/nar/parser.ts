import { NixsealError } from "../../core/errors.ts";
import { type NarEvent, type NarLimits, defaultNarLimits, narMagic } from "./format.ts";

/** A little more than any keyword has, so that an error can show what stands in its place. */
const longestKeyword = 32;

/**
 * A parser of one NAR that is pushed bytes and yields events; it holds at most one name or link target and
 * never a file's content. Grammar: "Nix Archive" in the manual of Nix, read strictly: what another reader
 * could take for something else, or what Nix would not have written, is refused with the offset of the first
 * wrong token. Depth is a list on the heap, not the call stack: an archive cannot overflow it.
 */
export class NarParser {
  readonly #limits: NarLimits;
  readonly #steps: Generator<NarEvent | null, void, undefined>;
  #input: Uint8Array = new Uint8Array(0);
  #at = 0;
  /** Offset in the archive of the first byte of `#input`. */
  #base = 0;
  #done = false;

  constructor(limits: Partial<NarLimits> = {}) {
    this.#limits = { ...defaultNarLimits, ...limits };
    this.#steps = this.#archive();
  }

  /** Whether the archive is complete. */
  get done(): boolean {
    return this.#done;
  }

  /** Bytes of the archive that were read. */
  get offset(): number {
    return this.#base + this.#at;
  }

  /**
   * The events in these bytes. They must be consumed before the next `push`; `content` events share the
   * memory of `bytes`. What follows the end of the archive is left alone: `rest` has it.
   */
  *push(bytes: Uint8Array): Generator<NarEvent, void, undefined> {
    if (this.#done) {
      this.#input = bytes;
      return;
    }
    this.#base += this.#input.length;
    this.#input = bytes;
    this.#at = 0;
    while (!this.#done) {
      const step = this.#steps.next();
      if (step.done === true) this.#done = true;
      else if (step.value === null) return;
      else yield step.value;
    }
    this.#input = bytes.subarray(this.#at);
    this.#base += this.#at;
    this.#at = 0;
  }

  /** The bytes of the last `push` that are not part of the archive. */
  get rest(): Uint8Array {
    return this.#done ? this.#input : new Uint8Array(0);
  }

  /** Says that no more bytes come. Throws `malformed` for an archive that is cut off. */
  end(): void {
    if (!this.#done) throw this.#fault("the NAR ends before it is complete", this.#base + this.#input.length);
  }

  *#archive(): Generator<NarEvent | null, void, undefined> {
    yield* this.#keyword(narMagic);
    /** The last name read in each open directory, outermost first. */
    const open: Uint8Array[] = [];
    let name: Uint8Array = new Uint8Array(0);
    for (;;) {
      if (yield* this.#node(name)) {
        if (open.length >= this.#limits.depth)
          throw this.#excess(`the NAR nests deeper than ${this.#limits.depth} directories`, this.offset);
        open.push(new Uint8Array(0));
      } else if (open.length > 0) yield* this.#keyword(")"); // of the entry
      const next = yield* this.#nextEntry(open);
      if (next === null) return;
      name = next;
    }
  }

  /** Reads one object up to its end or, for a directory (true), up to its first entry. */
  *#node(name: Uint8Array): Generator<NarEvent | null, boolean, undefined> {
    yield* this.#keyword("(");
    yield* this.#keyword("type");
    switch (yield* this.#oneOf("regular", "directory", "symlink")) {
      case "directory":
        yield { type: "directory", name };
        return true;
      case "symlink":
        yield* this.#keyword("target");
        yield { type: "symlink", name, target: yield* this.#target() };
        break;
      case "regular":
        yield* this.#file(name);
    }
    yield* this.#keyword(")");
    return false;
  }

  *#file(name: Uint8Array): Generator<NarEvent | null, void, undefined> {
    const executable = (yield* this.#oneOf("executable", "contents")) === "executable";
    if (executable) {
      yield* this.#keyword("");
      yield* this.#keyword("contents");
    }
    const start = this.offset;
    const size = yield* this.#integer();
    if (size > this.#limits.size) throw this.#excess(`a file of ${size} bytes is over the limit`, start);
    yield { type: "file", name, executable, size: Number(size), offset: this.offset };
    for (let left = Number(size); left > 0;) {
      if (this.#at === this.#input.length) yield null;
      const piece = this.#input.subarray(this.#at, this.#at + left);
      this.#at += piece.length;
      left -= piece.length;
      if (piece.length > 0) yield { type: "content", bytes: piece };
    }
    yield* this.#padding(Number(size));
  }

  /** Closes directories until there is an entry; its name, or null at the end of the archive. */
  *#nextEntry(open: Uint8Array[]): Generator<NarEvent | null, Uint8Array | null, undefined> {
    while (open.length > 0) {
      if ((yield* this.#oneOf("entry", ")")) === "entry") {
        yield* this.#keyword("(");
        yield* this.#keyword("name");
        const name = yield* this.#name(open.at(-1)!);
        open[open.length - 1] = name;
        yield* this.#keyword("node");
        return name;
      }
      yield { type: "end" };
      open.pop();
      if (open.length > 0) yield* this.#keyword(")"); // of the entry that the directory was
    }
    return null;
  }

  *#name(previous: Uint8Array): Generator<null, Uint8Array, undefined> {
    const start = this.offset;
    const name = yield* this.#string(this.#limits.name, "a file name");
    // An empty name, '.', '..' or one with a slash could lead out of the directory that is unpacked to.
    const text = Buffer.from(name).toString("latin1");
    if (text === "" || text === "." || text === ".." || /[/\0]/.test(text))
      throw this.#fault(`the NAR holds the invalid file name ${JSON.stringify(text)}`, start);
    if (Buffer.compare(name, previous) <= 0)
      throw this.#fault(
        Buffer.compare(name, previous) === 0
          ? "a file name occurs twice"
          : "the entries of a directory are not sorted",
        start,
      );
    return name;
  }

  *#target(): Generator<null, Uint8Array, undefined> {
    const start = this.offset;
    const target = yield* this.#string(this.#limits.target, "the target of a symlink");
    if (target.length === 0 || target.includes(0))
      throw this.#fault("the target of a symlink is empty or holds a NUL", start);
    return target;
  }

  *#keyword(expected: string): Generator<null, void, undefined> {
    yield* this.#oneOf(expected);
  }

  *#oneOf<Word extends string>(...words: readonly Word[]): Generator<null, Word, undefined> {
    const start = this.offset;
    const found = Buffer.from(yield* this.#string(longestKeyword, "a keyword")).toString("latin1");
    const word = words.find((word) => word === found);
    if (word !== undefined) return word;
    const wanted = words.map((word) => (word === "" ? "an empty string" : `'${word}'`)).join(" or ");
    throw this.#fault(`expected ${wanted}, found ${JSON.stringify(found)}`, start);
  }

  *#string(limit: number, what: string): Generator<null, Uint8Array, undefined> {
    const start = this.offset;
    const length = yield* this.#integer();
    if (length > limit)
      throw this.#fault(`${what} of ${length} bytes: at most ${limit} are possible here`, start);
    const bytes = yield* this.#take(Number(length));
    yield* this.#padding(bytes.length);
    return bytes;
  }

  /** Zeros up to a multiple of eight: anything else would make two archives of the same tree. */
  *#padding(length: number): Generator<null, void, undefined> {
    if (length % 8 === 0) return;
    const start = this.offset;
    const bad = (yield* this.#take(8 - (length % 8))).findIndex((byte) => byte !== 0);
    if (bad !== -1) throw this.#fault("padding that is not zero", start + bad);
  }

  *#integer(): Generator<null, bigint, undefined> {
    const bytes = yield* this.#take(8);
    return Buffer.from(bytes.buffer, bytes.byteOffset, 8).readBigUInt64LE();
  }

  /** So many bytes, copied: the caller keeps them beyond the piece of input that they came in. */
  *#take(length: number): Generator<null, Uint8Array, undefined> {
    const taken = new Uint8Array(length);
    for (let filled = 0; filled < length;) {
      if (this.#at === this.#input.length) yield null;
      const piece = this.#input.subarray(this.#at, this.#at + length - filled);
      taken.set(piece, filled);
      filled += piece.length;
      this.#at += piece.length;
    }
    return taken;
  }

  #fault(message: string, offset: number): NixsealError {
    return new NixsealError("malformed", message, { where: { offset } });
  }

  #excess(message: string, offset: number): NixsealError {
    return new NixsealError("limit", message, { where: { offset } });
  }
}
