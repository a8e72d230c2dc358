/** What the ends of a range stand for: a commit each, and the annotated tag that names it. */
import type { NamedTip } from "./descent.ts";
import { peel } from "./history.ts";
import type { ObjectId } from "./object-id.ts";
import type { ObjectReader } from "./object-reader.ts";
import type { Range } from "./range.ts";
import type { RefusedObject, Repository } from "./repository.ts";
import type { Tag } from "./signed-object.ts";

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
