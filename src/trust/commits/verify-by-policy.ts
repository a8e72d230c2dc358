/** A history judged by the policy that it carries, from an introduction that the verifier pins. */
import type { Emit } from "../../core/events.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import type { Revocations } from "../../ssh/revocations.ts";
import { refuseFuture } from "./descent.ts";
import { listCommits, parseObject, withObjects } from "./history.ts";
import { AskedRoot } from "./asked-root.ts";
import { isAncestor } from "./memory.ts";
import type { ObjectId } from "./object-id.ts";
import { PolicyJudge } from "./policy-judge.ts";
import { PolicyReader } from "./policy-reader.ts";
import type { Range } from "./range.ts";
import { refuse, type CommitRefusal } from "./refusal.ts";
import { findTampering, type RefusedObject, type Repository } from "./repository.ts";
import { decideTag } from "./decide-tag.ts";
import { peelTips, type PeeledTips } from "./tags.ts";
import { refuseRollback } from "./root-rollback.ts";
import { TreeComparer } from "./tree-comparer.ts";
import type { ObjectReader } from "./object-reader.ts";
import type { FrontierSource, Report, RootSource } from "./verify-by-signers.ts";

export interface PolicyQuestion {
  readonly repository: Repository;
  readonly range: Range;
  /** The commit that the verifier trusts for what it is; its policy judges its children. */
  readonly introduction: ObjectId;
  readonly revocations: Revocations | undefined;
  /** For policies that leave certificates to it. */
  readonly root: RootSource;
  readonly now: Date;
  readonly known: FrontierSource;
}

/** All commits behind the introduction, parents before children; the introduction itself is not counted. */
export async function verifyByPolicy(
  question: PolicyQuestion,
  files: Pick<Files, "read" | "status">,
  emit: Emit,
): Promise<Report> {
  const { repository, range, introduction, revocations } = question;
  if (range.excluded.length > 0) {
    throw new NixsealError("usage", "with a policy the range begins at the introduction", {
      hint: "name the end only; what was accepted before is not judged again",
    });
  }
  const tampered = await findTampering(repository, range, files);
  if (tampered.length > 0) return { accepted: 0, refused: tampered, tips: [], latest: 0 };

  return withObjects(repository, (reader) =>
    withObjects(repository, async (single) => {
      const ends = await peelTips(single, repository, range);
      const root = new AskedRoot(() => question.root(single, ends.commits));
      const policies = new PolicyReader(single, repository.format, revocations, () => root.ask());
      const comparer = new TreeComparer(repository.git);
      try {
        const refused = [...ends.refused, ...(await refuseStrangers(question, single, policies, ends))];
        if (refused.length > 0) return { accepted: 0, refused, tips: [], latest: 0 };
        const tips = ends.commits;
        for (const tip of tips) await policies.of(await treeOf(single, repository, tip)); // may ask for the root
        const asked = root.answer;
        const now = asked === null || asked.now < question.now ? question.now : asked.now;
        const known = await question.known(asked?.krlDigest ?? null);
        for (const tag of ends.tags) {
          const found = await policies.of(await treeOf(single, repository, tag.object));
          const decision =
            "fault" in found
              ? refuse("no-policy", "there is no policy in the commit that it names")
              : await decideTag(tag, range.references, repository, found.policy.signers, now);
          if (!decision.accepted) refused.push({ commit: tag.id, ...decision });
        }
        const count = known.count(tips, [introduction]);
        if (count !== null) return { accepted: count, refused, tips: ends.named, latest: 0 };

        const judge = new PolicyJudge({ repository, reader: single, policies, comparer, introduction, now });
        const before = known.accepted([introduction]);
        const excluded = [introduction, ...before];
        if (asked !== null) await refuseRollback(repository, single, { tips, excluded }, asked);
        const { commits, boundary } = await listCommits(repository, { tips, excluded }, "parents-first");
        const authenticated = await authenticatedBoundary(question, boundary, before);
        let [done, wrong, latest] = [0, 0, 0];
        for await (const read of reader.readAll(commits)) {
          const parsed = parseObject(read, repository);
          const no: CommitRefusal | null =
            "refused" in parsed
              ? parsed.refused
              : parsed.object.type === "tag"
                ? refuse("malformed", "is a tag where a commit belongs")
                : (refuseFuture(parsed.object, now) ??
                  (await refusalBy(judge, parsed.object, authenticated)));
          if (no === null) {
            authenticated.add(read.id);
            if ("object" in parsed && parsed.object.type === "commit")
              latest = Math.max(latest, (parsed.object.committed ?? 0) * 1000);
          } else {
            wrong += 1;
            refused.push({ commit: read.id, ...no });
          }
          done += 1;
          if (done % 16 === 0)
            emit({ type: "progress", task: "verify", done, total: commits.length, unit: "commits" });
        }
        const total =
          before.length === 0
            ? commits.length
            : (await listCommits(repository, { tips, excluded: [introduction] })).commits.length;
        if (root.answer !== null && root.answer !== asked)
          await refuseRollback(repository, single, { tips, excluded }, root.answer);
        // Where only a policy in between asked for the root, the cache does not know by which list that was judged.
        if (refused.length === 0 && root.answer === asked) await known.remember(tips, [introduction], total);
        return { accepted: total - wrong, refused, tips: ends.named, latest };
      } finally {
        comparer.close();
      }
    }),
  );
}

async function refusalBy(
  judge: PolicyJudge,
  commit: Parameters<PolicyJudge["decide"]>[0],
  authenticated: ReadonlySet<ObjectId>,
): Promise<CommitRefusal | null> {
  const decision = await judge.decide(commit, (parent) => authenticated.has(parent));
  if (decision.accepted) return null;
  return { ...decision, reason: `${decision.reason} (author ${commit.author.slice(0, 200)})` };
}

/** The introduction must hold a policy, and every end of the range must come after it. */
async function refuseStrangers(
  { repository, introduction }: PolicyQuestion,
  single: ObjectReader,
  policies: PolicyReader,
  { commits }: PeeledTips,
): Promise<RefusedObject[]> {
  const found = await policies.of(await treeOf(single, repository, introduction));
  if ("fault" in found) {
    const reason =
      found.fault === "removed" ? "the introduction holds no policy" : `the introduction: ${found.reason}`;
    return [{ commit: introduction, ...refuse("no-policy", reason) }];
  }
  const refused: RefusedObject[] = [];
  for (const commit of commits) {
    if (await isAncestor(repository, introduction, commit)) continue;
    refused.push({
      commit,
      ...refuse("not-descendant", `does not descend from the introduction ${introduction}`),
    });
  }
  return refused;
}

/** Of the commits just outside of the walk: the introduction, and those that an earlier run accepted. */
async function authenticatedBoundary(
  { repository, introduction }: PolicyQuestion,
  boundary: ReadonlySet<ObjectId>,
  before: readonly ObjectId[],
): Promise<Set<ObjectId>> {
  const authenticated = new Set<ObjectId>([introduction]);
  for (const id of boundary) {
    // An ancestor of the introduction is in nobody's history, however it is reached.
    if (id === introduction || !(await isAncestor(repository, introduction, id))) continue;
    for (const tip of before) {
      if (!(await isAncestor(repository, id, tip))) continue;
      authenticated.add(id);
      break;
    }
  }
  return authenticated;
}

async function treeOf(single: ObjectReader, repository: Repository, id: ObjectId): Promise<ObjectId> {
  const parsed = parseObject(await single.read(id), repository);
  if ("refused" in parsed || parsed.object.type !== "commit")
    throw new NixsealError("refused", `${id} is no commit of this repository`);
  return parsed.object.tree;
}
