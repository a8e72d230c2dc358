/** Commits and tags as git stores them, parsed strictly: what they say, what is signed of them, and by what. */
import { concat } from "../../core/bytes.ts";
import { malformed, splitObject, type ObjectHeader } from "./object-headers.ts";
import { isObjectId, type ObjectFormat, type ObjectId } from "./object-id.ts";

/** Every `gpgsig…` header of an object, or a tag's last signature block under the name "". */
export interface SignatureText {
  readonly header: string;
  /** Armored, bytes as Latin-1. */
  readonly text: string;
}

interface Signed {
  readonly id: ObjectId;
  /** What the signature is over: the object without its signatures. */
  readonly payload: Uint8Array;
  readonly signatures: readonly SignatureText[];
}

export interface Commit extends Signed {
  readonly type: "commit";
  readonly tree: ObjectId;
  readonly parents: readonly ObjectId[];
  readonly author: string;
  /** When it was committed, as it says itself: seconds since 1970; null where it does not say. */
  readonly committed: number | null;
}

export interface Tag extends Signed {
  readonly type: "tag";
  readonly object: ObjectId;
  readonly objectType: string;
  readonly name: string;
}

export type SignedObject = Commit | Tag;

/** The header that carries the signature over the object as this repository stores it. */
export const signatureHeader = { sha1: "gpgsig", sha256: "gpgsig-sha256" } as const;

/** `malformed` for what `git fsck` calls an error in the headers. */
export function parseCommit(id: ObjectId, body: Uint8Array, format: ObjectFormat): Commit {
  const { headers } = splitObject(body);
  const fields = new HeaderFields(headers, format);
  const tree = fields.id("tree");
  const parents: ObjectId[] = [];
  while (fields.next === "parent") parents.push(fields.id("parent"));
  const author = fields.text("author");
  const committer = fields.text("committer");
  // Readers that look for a name anywhere would take another parent, tree or author than git does.
  fields.refuseMore(["tree", "parent", "author", "committer"]);
  const signatures = headers.filter(isSignature);
  return {
    type: "commit",
    id,
    tree,
    parents,
    author: nameOf(author),
    committed: timeOf(committer),
    payload: without(body, signatures),
    signatures: signatures.map(({ name, value }) => ({ header: name, text: value })),
  };
}

const signatureStart = /(?<=^|\n)-----BEGIN (?:PGP SIGNATURE|PGP MESSAGE|SIGNED MESSAGE|SSH SIGNATURE)-----/g;

/** As `parse_signed_buffer` of git's gpg-interface.c: the signature is the last block, and all that follows. */
export function parseTag(id: ObjectId, body: Uint8Array, format: ObjectFormat): Tag {
  const { headers, message } = splitObject(body);
  const fields = new HeaderFields(headers, format);
  const object = fields.id("object");
  const objectType = fields.text("type");
  const name = fields.text("tag");
  fields.refuseMore(["object", "type", "tag"]);
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("latin1", message);
  const last = [...text.matchAll(signatureStart)].at(-1);
  const end = last === undefined ? body.length : message + last.index;
  const inHeaders = headers.filter(isSignature).map(({ name, value }) => ({ header: name, text: value }));
  return {
    type: "tag",
    id,
    object,
    objectType,
    name: Buffer.from(name, "latin1").toString("utf8"),
    payload: body.subarray(0, end),
    signatures: [...inHeaders, ...(last === undefined ? [] : [{ header: "", text: text.slice(last.index) }])],
  };
}

/** The first headers, which have an order. */
class HeaderFields {
  readonly #headers: readonly ObjectHeader[];
  readonly #format: ObjectFormat;
  #index = 0;

  constructor(headers: readonly ObjectHeader[], format: ObjectFormat) {
    this.#headers = headers;
    this.#format = format;
  }

  get next(): string | undefined {
    return this.#headers[this.#index]?.name;
  }

  text(name: string): string {
    const header = this.#headers[this.#index];
    if (header?.name !== name) throw malformed(`has no '${name}' where it belongs`);
    if (header.value.includes("\n")) throw malformed(`has more than one line of '${name}'`);
    this.#index++;
    return header.value;
  }

  id(name: string): ObjectId {
    const value = this.text(name);
    if (!isObjectId(value, this.#format)) throw malformed(`has a '${name}' that is no object id`);
    return value;
  }

  refuseMore(names: readonly string[]): void {
    const again = this.#headers.slice(this.#index).find(({ name }) => names.includes(name));
    if (again !== undefined) throw malformed(`has another '${again.name}' further down`);
  }
}

function isSignature({ name }: ObjectHeader): boolean {
  return name.startsWith("gpgsig");
}

function without(body: Uint8Array, headers: readonly ObjectHeader[]): Uint8Array {
  const [only] = headers;
  if (only === undefined) return body;
  if (headers.length === 1) return concat(body.subarray(0, only.start), body.subarray(only.end));
  const starts = [0, ...headers.map(({ end }) => end)];
  const ends = [...headers.map(({ start }) => start), body.length];
  return concat(...starts.map((start, i) => body.subarray(start, ends[i])));
}

function nameOf(identity: string): string {
  return Buffer.from(identity.replace(/ -?\d+ [+-]\d+$/, ""), "latin1").toString("utf8");
}

function timeOf(identity: string): number | null {
  const match = /> (\d{1,12}) [+-]\d+$/.exec(identity);
  return match === null ? null : Number(match[1]);
}
