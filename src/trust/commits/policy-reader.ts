/** The policy that a tree holds. */
import { utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Revocations } from "../../ssh/revocations.ts";
import { malformed } from "./object-headers.ts";
import type { ObjectFormat, ObjectId } from "./object-id.ts";
import type { ObjectReader } from "./object-reader.ts";
import { parsePolicy, policyPath, type Policy } from "./policy.ts";

export type FoundPolicy =
  | { readonly policy: Policy; readonly blob: ObjectId }
  /** No such file, or no regular one. */
  | { readonly fault: "removed" }
  | { readonly fault: "broken"; readonly reason: string };

const kept = 256;

export class PolicyReader {
  readonly #reader: ObjectReader;
  readonly #format: ObjectFormat;
  readonly #revocations: Revocations | undefined;
  readonly #policies = new Map<ObjectId, FoundPolicy>();
  readonly #blobs = new Map<ObjectId, ObjectId | null>();

  constructor(reader: ObjectReader, format: ObjectFormat, revocations: Revocations | undefined) {
    this.#reader = reader;
    this.#format = format;
    this.#revocations = revocations;
  }

  async of(tree: ObjectId): Promise<FoundPolicy> {
    const [directory = "", file = ""] = policyPath.split("/");
    const subtree = await this.#entry(tree, directory, /^0?40000$/);
    if (subtree === null) return { fault: "removed" };
    let blob = this.#blobs.get(subtree);
    if (blob === undefined) {
      // A symlink could lead out of the tree, to what nobody signed.
      blob = await this.#entry(subtree, file, /^100(?:644|755)$/);
      keep(this.#blobs, subtree, blob);
    }
    if (blob === null) return { fault: "removed" };
    let found = this.#policies.get(blob);
    if (found === undefined) {
      found = await this.#read(blob);
      keep(this.#policies, blob, found);
    }
    return found;
  }

  async #read(blob: ObjectId): Promise<FoundPolicy> {
    try {
      const policy = await parsePolicy(utf8Text(await this.#body(blob, "blob"), policyPath));
      const revocations = this.#revocations;
      const signers = { ...policy.signers, revocations };
      const forges = policy.forges === null ? null : { ...policy.forges, revocations };
      return { blob, policy: { ...policy, signers, forges } };
    } catch (error) {
      if (!(error instanceof NixsealError) || error.code === "tool") throw error;
      return { fault: "broken", reason: error.message };
    }
  }

  async #entry(tree: ObjectId, name: string, mode: RegExp): Promise<ObjectId | null> {
    const found = findInTree(await this.#body(tree, "tree"), name, this.#format);
    return found !== null && mode.test(found.mode) ? found.id : null;
  }

  async #body(id: ObjectId, type: "tree" | "blob"): Promise<Uint8Array> {
    const object = await this.#reader.read(id);
    if ("fault" in object || object.type !== type)
      throw new NixsealError("refused", `the ${type} ${id} is missing or damaged`);
    return object.body;
  }
}

/** Git's tree format: mode, space, name, NUL, and the id in bytes. A name that stands twice is `malformed`. */
function findInTree(
  body: Uint8Array,
  name: string,
  format: ObjectFormat,
): { readonly mode: string; readonly id: ObjectId } | null {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const idLength = format === "sha1" ? 20 : 32;
  let found: { mode: string; id: ObjectId } | null = null;
  for (let offset = 0; offset < bytes.length;) {
    const end = bytes.indexOf(0, offset);
    if (end === -1 || end + 1 + idLength > bytes.length) throw malformed("is no tree");
    const [mode = "", entry] = bytes.toString("latin1", offset, end).split(/ (.*)/s);
    offset = end + 1 + idLength;
    if (entry !== name) continue;
    if (found !== null) throw malformed(`is a tree with two '${name}'`);
    found = { mode, id: bytes.toString("hex", end + 1, offset) as ObjectId };
  }
  return found;
}

function keep<Value>(map: Map<ObjectId, Value>, id: ObjectId, value: Value): void {
  const [oldest] = map.keys();
  if (map.size >= kept && oldest !== undefined) map.delete(oldest);
  map.set(id, value);
}
