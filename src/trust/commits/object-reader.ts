import { NixsealError } from "../../core/errors.ts";
import type { Conversation } from "../../core/ports.ts";
import type { Git } from "./git.ts";
import { OutputReader } from "./output-reader.ts";
import { objectIdOf } from "./object-hash.ts";
import type { ObjectFormat, ObjectId, ObjectType } from "./object-id.ts";

/** What lies under an id, or why that cannot be used. */
export type ReadObject =
  | { readonly id: ObjectId; readonly type: ObjectType; readonly body: Uint8Array }
  | { readonly id: ObjectId; readonly fault: "missing" | "too-large" | "object-id" };

/** Far above any commit that a person wrote. */
const maximumObject = 8 << 20;
/** Ids that git may have before their objects are read. */
const ahead = 128;

/** `git cat-file --batch`: raw objects by id, each hashed again. */
export class ObjectReader {
  readonly #conversation: Conversation;
  readonly #format: ObjectFormat;
  readonly #output: OutputReader;

  constructor(git: Git, format: ObjectFormat) {
    this.#conversation = git.converse("cat-file", "--batch");
    this.#format = format;
    this.#output = new OutputReader(this.#conversation);
  }

  async read(id: ObjectId): Promise<ReadObject> {
    await this.#conversation.write(Buffer.from(`${id}\n`));
    return this.#answer(id);
  }

  /** In the order of the ids, with a bounded number under way. */
  async *readAll(ids: Iterable<ObjectId>): AsyncGenerator<ReadObject> {
    const asked: ObjectId[] = [];
    for (const id of ids) {
      asked.push(id);
      if (asked.length < ahead) continue;
      yield* this.#batch(asked.splice(0));
    }
    yield* this.#batch(asked);
  }

  close(): void {
    this.#conversation.kill();
  }

  async *#batch(ids: readonly ObjectId[]): AsyncGenerator<ReadObject> {
    // Not awaited before reading: with both pipes full, git and we would wait for each other.
    const written = this.#conversation.write(Buffer.from(ids.map((id) => `${id}\n`).join("")));
    written.catch(() => undefined); // awaited below
    for (const id of ids) yield await this.#answer(id);
    await written;
  }

  async #answer(id: ObjectId): Promise<ReadObject> {
    const line = await this.#output.line();
    if (line === `${id} missing`) return { id, fault: "missing" };
    const match = /^([0-9a-f]+) (commit|tag|tree|blob) (\d{1,15})$/.exec(line);
    if (match === null || match[1] !== id) {
      throw new NixsealError("tool", `git cat-file gave an answer that nobody asked for`);
    }
    const type = match[2] as ObjectType;
    const size = Number(match[3]);
    if (size > maximumObject) {
      await this.#output.skip(size + 1);
      return { id, fault: "too-large" };
    }
    const body = await this.#output.exactly(size);
    await this.#output.skip(1);
    if (objectIdOf(type, body, this.#format) !== id) return { id, fault: "object-id" };
    return { id, type, body };
  }
}
