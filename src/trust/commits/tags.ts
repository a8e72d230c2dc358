/** Annotated tags that a range names: each must be signed, and must be the tag that its reference says. */
import { decideSignature } from "./decide-signature.ts";
import type { NamedTip } from "./descent.ts";
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
  /** The commits that references name, through tags or not. */
  readonly named: readonly NamedTip[];
  readonly refused: readonly RefusedObject[];
}

export async function peelTips(
  reader: ObjectReader,
  repository: Repository,
  { tips, references }: Pick<Range, "tips" | "references">,
): Promise<PeeledTips> {
  const commits: ObjectId[] = [];
  const tags: Tag[] = [];
  const named: NamedTip[] = [];
  const refused: RefusedObject[] = [];
  for (const id of tips) {
    const tip = await peel(reader, repository, id);
    if ("refused" in tip) {
      refused.push({ commit: id, ...tip.refused });
      continue;
    }
    commits.push(tip.commit);
    for (const { name, object } of references) if (object === id) named.push({ name, commit: tip.commit });
    if (tip.tag !== null) tags.push(tip.tag);
  }
  return { commits, tags, named, refused };
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
