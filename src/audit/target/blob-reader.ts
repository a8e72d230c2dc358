import { NixsealError } from "../../core/errors.ts";
import type { Conversation } from "../../core/ports.ts";

/** Objects of a repository, one after another, from one `git cat-file --batch`. */
export class BlobReader {
  readonly #git: Conversation;
  #rest = new Uint8Array();

  constructor(git: Conversation) {
    this.#git = git;
  }

  /** The bytes of an object by its name. Errors: `not-found`, `limit` when it is larger. */
  async read(object: string, limit: number): Promise<Uint8Array> {
    await this.#git.write(Buffer.from(`${object}\n`, "latin1"));
    const header = (await this.#line()).split(" ");
    if (header[1] === "missing")
      throw new NixsealError("not-found", "the repository does not hold this file's contents");
    const size = Number(header[2]);
    if (header.length !== 3 || !Number.isSafeInteger(size))
      throw new NixsealError("malformed", "git answered in a form that is not known");
    const wanted = size <= limit;
    const parts: Uint8Array[] = [];
    // What is too large is read to its end and forgotten: the answer to the next question comes behind it.
    for (let left = size; left > 0;) {
      const piece = await this.#take(Math.min(left, 1 << 16));
      left -= piece.length;
      if (wanted) parts.push(piece);
    }
    await this.#take(1);
    if (!wanted) throw new NixsealError("limit", `file is larger than ${limit} bytes`);
    return Buffer.concat(parts);
  }

  close(): void {
    this.#git.kill();
  }

  async #line(): Promise<string> {
    let line = "";
    for (let byte = await this.#take(1); byte[0] !== 0x0a; byte = await this.#take(1)) {
      line += String.fromCharCode(byte[0]!);
      if (line.length > 300) throw new NixsealError("malformed", "git answered in a form that is not known");
    }
    return line;
  }

  /** At least one byte and at most `most`. */
  async #take(most: number): Promise<Uint8Array> {
    while (this.#rest.length === 0) {
      const piece = await this.#git.read();
      if (piece === null) throw new NixsealError("tool", "git ended before it had answered");
      this.#rest = new Uint8Array(piece);
    }
    const taken = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(taken.length);
    return taken;
  }
}
