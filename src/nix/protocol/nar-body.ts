import { createHash } from "node:crypto";
import { sameBytes } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { PathInfo } from "../path-info.ts";
import { NarParser } from "../nar/parser.ts";
import type { IncomingNar } from "./store.ts";
import type { WireReader } from "./wire-reader.ts";

/** The archive that follows a path's description. It is passed through in pieces and never held. */
export class NarBody implements IncomingNar {
  readonly #reader: WireReader;
  readonly #info: Pick<PathInfo, "path" | "narHash" | "narSize">;
  #left: number;
  #opened = false;
  #ended = false;

  constructor(reader: WireReader, info: Pick<PathInfo, "path" | "narHash" | "narSize">) {
    this.#reader = reader;
    this.#info = info;
    this.#left = info.narSize;
  }

  /** Whether it was read to its end, and nothing in it is wrong that was looked at. */
  get ended(): boolean {
    return this.#ended;
  }

  /**
   * The bytes, once. Parsed and hashed in the same pass, so that what is judged is what is passed on. The last
   * piece comes only when the whole is right: `malformed` for what is no canonical NAR of exactly that size,
   * `refused` for another hash.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    this.#open();
    const parser = new NarParser();
    const digest = createHash("sha256");
    while (this.#left > 0) {
      const bytes = await this.#some();
      digest.update(bytes);
      this.#parse(parser, bytes);
      if (this.#left === 0) {
        if (!sameBytes(digest.digest(), this.#info.narHash.digest))
          throw new NixsealError(
            "refused",
            `the NAR of ${this.#info.path} does not have the hash that was named`,
          );
        this.#ended = true;
      }
      yield bytes;
    }
  }

  /** Parsed as a whole; `malformed` as above. */
  async readInto(target: Uint8Array): Promise<void> {
    this.#open();
    if (target.length !== this.#left) throw new NixsealError("bug", "the memory has not the archive's size");
    while (this.#left > 0) {
      const at = target.length - this.#left;
      target.set(await this.#some(), at);
    }
    this.#parse(new NarParser(), target);
    this.#ended = true;
  }

  #open(): void {
    if (this.#opened) throw new NixsealError("bug", "a NAR on the wire can be read only once");
    this.#opened = true;
  }

  /** Throws for bytes that are not its next ones, for an end too early, and for none where all was read. */
  #parse(parser: NarParser, bytes: Uint8Array): void {
    const { path, narSize } = this.#info;
    const events = parser.push(bytes);
    for (let event = events.next(); event.done !== true;) event = events.next();
    if (parser.done && parser.offset < narSize)
      throw new NixsealError("malformed", `the NAR of ${path} has ${parser.offset} bytes, not ${narSize}`);
    if (!parser.done && this.#left === 0)
      throw new NixsealError("malformed", `the NAR of ${path} does not end after ${narSize} bytes`);
  }

  /** Reads what is left, for nothing, so that the next message can be read. Throws `limit` for too much. */
  async skip(limit: number): Promise<void> {
    if (this.#left > limit)
      throw new NixsealError("limit", `${this.#left} bytes of a refused NAR are not waited for`);
    while (this.#left > 0) await this.#some();
  }

  async #some(): Promise<Uint8Array> {
    const bytes = await this.#reader.some(this.#left);
    if (bytes === null)
      throw new NixsealError("malformed", `the bytes end in the middle of the NAR of ${this.#info.path}`, {
        where: { offset: this.#reader.offset },
      });
    this.#left -= bytes.length;
    return bytes;
  }
}
