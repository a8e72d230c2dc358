import { AskedRoot } from "./asked-root.ts";
import { holdersOf } from "./ballot.ts";
import type { GoBackAuthority } from "./descent.ts";
import { parseObject, withObjects } from "./history.ts";
import type { ObjectId } from "./object-id.ts";
import { PolicyReader } from "./policy-reader.ts";
import { peelTips } from "./tags.ts";
import type { PolicyQuestion } from "./verify-by-policy.ts";

/** Members who may change the policy as it stood at `from`, and as many of them as that takes. */
export function goBackAuthority(
  {
    repository,
    range,
    revocations,
    root,
  }: Pick<PolicyQuestion, "repository" | "range" | "revocations" | "root">,
  from: ObjectId,
): Promise<GoBackAuthority | null> {
  return withObjects(repository, async (single) => {
    const parsed = parseObject(await single.read(from), repository);
    if ("refused" in parsed || parsed.object.type !== "commit") return null;
    const { commits } = await peelTips(single, repository, range);
    const asked = new AskedRoot(() => root(single, commits));
    const policies = new PolicyReader(single, repository.format, revocations, () => asked.ask());
    const found = await policies.of(parsed.object.tree);
    if ("fault" in found) return null;
    return holdersOf(found.policy);
  });
}
