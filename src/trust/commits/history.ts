/** Which commits a range holds, and the commits themselves. */
import { NixsealError } from "../../core/errors.ts";
import { gitFailed } from "./git.ts";
import { ObjectReader, type ReadObject } from "./object-reader.ts";
import type { ObjectId } from "./object-id.ts";
import type { Range } from "./range.ts";
import { refusalOf, refuse, type CommitRefusal } from "./refusal.ts";
import type { Repository } from "./repository.ts";
import { parseCommit, parseTag, type Commit, type Tag } from "./signed-object.ts";

export interface CommitList {
  readonly commits: readonly ObjectId[];
  /** Commits that are not in the range and are parents of some that are. */
  readonly boundary: ReadonlySet<ObjectId>;
}

const maximumOutput = 256 << 20; // three million commits

/** The commits that can be reached from `tips` and not from `excluded`, as git walks them. */
export async function listCommits(
  { git }: Repository,
  { tips, excluded }: Pick<Range, "tips" | "excluded">,
  order: "any" | "parents-first" = "any",
): Promise<CommitList> {
  if (tips.length === 0) return { commits: [], boundary: new Set() };
  const ends = [...tips, ...excluded.map((id) => `^${id}`)].map((end) => `${end}\n`).join("");
  const options = order === "any" ? [] : ["--topo-order", "--reverse"];
  const { code, stdout, stderr } = await git.run(
    // Missing: a tip that was accepted in another clone.
    ["rev-list", "--boundary", "--ignore-missing", ...options, "--stdin"],
    maximumOutput,
    Buffer.from(ends),
  );
  // Broken or missing objects: what cannot be walked cannot be judged.
  if (code !== 0) throw new NixsealError("refused", gitFailed("rev-list", stderr).message);
  const text = Buffer.from(stdout.buffer, stdout.byteOffset, stdout.byteLength).toString("latin1");
  const commits: ObjectId[] = [];
  const boundary = new Set<ObjectId>();
  for (const line of text.split("\n")) {
    if (line.startsWith("-")) boundary.add(line.slice(1) as ObjectId);
    else if (line !== "") commits.push(line as ObjectId);
  }
  return { commits, boundary };
}

/** A commit or tag as its id promises it, or why it cannot be judged. */
export function parseObject(
  object: ReadObject,
  { format }: Repository,
): { readonly object: Commit | Tag } | { readonly refused: CommitRefusal } {
  if ("fault" in object) {
    const reasons = {
      missing: "is not in the repository",
      "too-large": "is larger than any honest commit",
      "object-id": "its content is not what its id says",
    };
    return { refused: refuse(object.fault, reasons[object.fault]) };
  }
  if (object.type !== "commit" && object.type !== "tag") {
    return { refused: refuse("malformed", `is a ${object.type}, not a commit`) };
  }
  try {
    const parse = object.type === "commit" ? parseCommit : parseTag;
    return { object: parse(object.id, object.body, format) };
  } catch (error) {
    return { refused: refusalOf(error, "malformed") };
  }
}

/** Reads with one `git cat-file`, which ends with `use` whatever happens. */
export async function withObjects<T>(
  { git, format }: Repository,
  use: (reader: ObjectReader) => Promise<T>,
): Promise<T> {
  const reader = new ObjectReader(git, format);
  try {
    return await use(reader);
  } finally {
    reader.close();
  }
}

/** An end of a range: a commit, and the annotated tag that names it. */
export interface Tip {
  readonly tag: Tag | null;
  readonly commit: ObjectId;
}

/** A tag of a tag is refused: no reference says which name the inner one should have. */
export async function peel(
  reader: ObjectReader,
  repository: Repository,
  id: ObjectId,
): Promise<Tip | { readonly refused: CommitRefusal }> {
  const parsed = parseObject(await reader.read(id), repository);
  if ("refused" in parsed) return parsed;
  const { object } = parsed;
  if (object.type === "commit") return { tag: null, commit: id };
  if (object.objectType === "commit") {
    // Git leaves a tip out that is not there, and an empty history has nothing to refuse.
    const inner = parseObject(await reader.read(object.object), repository);
    if ("refused" in inner) return inner;
    if (inner.object.type === "commit") return { tag: object, commit: inner.object.id };
  }
  if (object.objectType === "tag") return { refused: refuse("tag", "is a tag of a tag") };
  return { refused: refuse("tag", "is a tag of something that is no commit") };
}
