import { NixsealError } from "../../core/errors.ts";
import type { ReadLimit } from "../../core/file-ports.ts";
import type { FileReader } from "../root/store.ts";
import type { ObjectFormat, ObjectId } from "./object-id.ts";
import type { ObjectReader } from "./object-reader.ts";
import { findInTree } from "./tree-entry.ts";

interface Entry {
  readonly mode: string;
  readonly id: ObjectId;
}

/** The files of a commit, from git's objects: what is checked out beside them does not matter. Paths as `trust/krl`. */
export class TreeFiles implements FileReader {
  readonly #reader: ObjectReader;
  readonly #format: ObjectFormat;
  readonly #tree: ObjectId;

  constructor(reader: ObjectReader, format: ObjectFormat, tree: ObjectId) {
    this.#reader = reader;
    this.#format = format;
    this.#tree = tree;
  }

  async read(path: string, { limit }: ReadLimit): Promise<Uint8Array> {
    const entry = await this.statusOfLink(path);
    if (entry === null)
      throw new NixsealError("not-found", "there is no such file", { where: { file: path } });
    // A symlink could lead out of the tree, to what nobody signed.
    if (!/^100(?:644|755)$/.test(entry.mode))
      throw new NixsealError("refused", "is no regular file in the commit", { where: { file: path } });
    const body = await this.#body(entry.id, "blob");
    if (body.length <= limit) return body;
    throw new NixsealError("limit", `has more than ${limit} bytes`, { where: { file: path } });
  }

  async statusOfLink(path: string): Promise<Entry | null> {
    let entry: Entry = { mode: "40000", id: this.#tree };
    for (const name of path.split("/").filter((one) => one !== ".")) {
      if (!/^0?40000$/.test(entry.mode)) return null;
      const found = findInTree(await this.#body(entry.id, "tree"), name, this.#format);
      if (found === null) return null;
      entry = found;
    }
    return entry;
  }

  async #body(id: ObjectId, type: "tree" | "blob"): Promise<Uint8Array> {
    const object = await this.#reader.read(id);
    if ("fault" in object || object.type !== type)
      throw new NixsealError("refused", `the ${type} ${id} is missing or damaged`);
    return object.body;
  }
}
