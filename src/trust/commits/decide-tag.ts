/** Annotated tags that a range names: each must be signed, and must be the tag that its reference says. */
import { decideSignature } from "./decide-signature.ts";
import type { Reference } from "./range.ts";
import { refuse, type CommitDecision } from "./refusal.ts";
import type { Repository } from "./repository.ts";
import type { Tag } from "./signed-object.ts";
import type { Signers } from "./signers.ts";

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
