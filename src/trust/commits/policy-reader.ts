/** The policy that a tree holds. */
import { utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Revocations } from "../../ssh/revocations.ts";
import type { ObjectFormat, ObjectId } from "./object-id.ts";
import type { ObjectReader } from "./object-reader.ts";
import { parsePolicy, policyPath, withRoot, type Policy } from "./policy.ts";
import type { HistoryRoot } from "./history-root.ts";
import { findInTree } from "./tree-entry.ts";

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
  readonly #root: () => Promise<HistoryRoot>;
  readonly #policies = new Map<ObjectId, FoundPolicy>();
  readonly #blobs = new Map<ObjectId, ObjectId | null>();

  /** `root` is asked for by a policy that leaves it to the fleet's root who issues certificates. */
  constructor(
    reader: ObjectReader,
    format: ObjectFormat,
    revocations: Revocations | undefined,
    root: () => Promise<HistoryRoot>,
  ) {
    this.#reader = reader;
    this.#format = format;
    this.#revocations = revocations;
    this.#root = root;
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
    let policy: Policy;
    try {
      policy = await parsePolicy(utf8Text(await this.#body(blob, "blob"), policyPath));
    } catch (error) {
      if (!(error instanceof NixsealError) || error.code === "tool") throw error;
      return { fault: "broken", reason: error.message };
    }
    const revocations = this.#revocations;
    const signers = { ...policy.signers, revocations };
    const forges = policy.forges === null ? null : { ...policy.forges, revocations };
    const found = { ...policy, signers, forges };
    // Outside of the above: a root that is not to be believed is no fault of this policy, and ends the run.
    return { blob, policy: policy.certificatesByRoot ? withRoot(found, await this.#root()) : found };
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

function keep<Value>(map: Map<ObjectId, Value>, id: ObjectId, value: Value): void {
  const [oldest] = map.keys();
  if (map.size >= kept && oldest !== undefined) map.delete(oldest);
  map.set(id, value);
}
