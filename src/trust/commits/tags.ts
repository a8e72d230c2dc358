/** Annotated tags that a range names: each must be signed, and must be the tag that its reference says. */
import { decideSignature } from "./decide-signature.ts";
import { peel } from "./history.ts";
import type { ObjectId } from "./object-id.ts";
import type { ObjectReader } from "./object-reader.ts";
import type { Range, Reference } from "./range.ts";
import { refuse, type CommitDecision } from "./refusal.ts";
import type { RefusedObject, Repository } from "./repository.ts";
import type { Tag } from "./signed-object.ts";
import type { Signers } from "./signers.ts";

export interface PeeledTips {
  /** The commits that the tips stand for; of refused tags none. */
  readonly commits: readonly ObjectId[];
  readonly tags: readonly Tag[];
  readonly refused: readonly RefusedObject[];
}

export async function peelTips(
  reader: ObjectReader,
  repository: Repository,
  { tips }: Pick<Range, "tips">,
): Promise<PeeledTips> {
  const commits: ObjectId[] = [];
  const tags: Tag[] = [];
  const refused: RefusedObject[] = [];
  for (const id of tips) {
    const tip = await peel(reader, repository, id);
    if ("refused" in tip) {
      refused.push({ commit: id, ...tip.refused });
      continue;
    }
    commits.push(tip.commit);
    if (tip.tag !== null) tags.push(tip.tag);
  }
  return { commits, tags, refused };
}

/** A good tag under another name would pass an old release off as a new one. */
export async function decideTag(
  tag: Tag,
  references: readonly Reference[],
  repository: Repository,
  signers: Signers,
  now: Date,
): Promise<CommitDecision> {
  const wrong = references.find(({ object, name }) => object === tag.id && name !== `refs/tags/${tag.name}`);
  if (wrong !== undefined) {
    return refuse("tag", `is the tag '${tag.name.slice(0, 64)}', but ${wrong.name.slice(0, 200)} names it`);
  }
  return decideSignature(tag, repository.format, signers, now);
}
