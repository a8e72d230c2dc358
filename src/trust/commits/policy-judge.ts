/** Gathers the evidence about commits in a history with a policy, and puts it to `decideChange`. */
import { NixsealError } from "../../core/errors.ts";
import { approvers, readNote } from "./approvals.ts";
import { decideChange, type ChangeEvidence } from "./decide-change.ts";
import { decideSignature } from "./decide-signature.ts";
import { listCommits, parseObject } from "./history.ts";
import { isAncestor } from "./memory.ts";
import { isObjectId, type ObjectId } from "./object-id.ts";
import type { ObjectReader } from "./object-reader.ts";
import type { FoundPolicy, PolicyReader } from "./policy-reader.ts";
import type { Policy } from "./policy.ts";
import { refuse, type CommitDecision } from "./refusal.ts";
import type { Repository } from "./repository.ts";
import type { Commit } from "./signed-object.ts";
import type { TreeComparer } from "./tree-comparer.ts";

export interface JudgeTools {
  readonly repository: Repository;
  /** For single objects: not the one that a walk reads from. */
  readonly reader: ObjectReader;
  readonly policies: PolicyReader;
  readonly comparer: TreeComparer;
  readonly introduction: ObjectId;
  readonly now: Date;
}

const maximumBranch = 10_000;
/** Merges by a forge within branches that a forge merged. */
const maximumDepth = 8;

export class PolicyJudge {
  readonly #tools: JudgeTools;

  constructor(tools: JudgeTools) {
    this.#tools = tools;
  }

  /**
   * By the policy in each parent, so that no commit brings its own signer; `isAuthenticated` tells of parents. `base` is
   * one policy more that has to agree.
   */
  async decide(
    commit: Commit,
    isAuthenticated: (parent: ObjectId) => boolean,
    base: Policy | null = null,
    depth = 0,
  ): Promise<CommitDecision> {
    if (commit.parents.length === 0) return refuse("no-policy", "begins a history of its own");
    const stranger = commit.parents.find((parent) => !isAuthenticated(parent));
    if (stranger !== undefined) {
      return refuse(
        "refused-parent",
        `its parent ${stranger} was refused or does not descend from the introduction`,
      );
    }
    const after = await this.#tools.policies.of(commit.tree);
    let decision: CommitDecision = refuse("no-policy", "no policy speaks about it");
    for (const parent of commit.parents) {
      const tree = await this.#treeOf(parent);
      const before = await this.#tools.policies.of(tree);
      if ("fault" in before) return refuse("no-policy", `there is no policy in its parent ${parent}`);
      for (const policy of base === null ? [before.policy] : [before.policy, base]) {
        const evidence = await this.#evidence(commit, { tree, found: before }, after, policy, depth);
        decision = decideChange(evidence, policy);
        if (!decision.accepted) return decision;
      }
    }
    return decision;
  }

  async #evidence(
    commit: Commit,
    before: { readonly tree: ObjectId; readonly found: FoundPolicy },
    after: FoundPolicy,
    policy: Policy,
    depth: number,
  ): Promise<ChangeEvidence> {
    const { repository, comparer, introduction, now } = this.#tools;
    const signer = await decideSignature(commit, repository.format, policy.signers, now);
    const forge =
      signer.accepted || policy.forges === null
        ? null
        : await decideSignature(commit, repository.format, policy.forges, now);
    const policyFile = changeOf(before.found, after);
    const statement = { action: "change-policy", commit: commit.id, introduction } as const;
    return {
      signer,
      forge,
      isMerge: commit.parents.length > 1,
      paths: await comparer.paths(before.tree, commit.tree),
      policyFile,
      approvers:
        policyFile === "changed"
          ? approvers(
              statement,
              await readNote(repository, commit.id),
              policy.signers,
              now,
              signer.accepted ? signer.key : null,
            )
          : new Set(),
      reproduced: forge?.accepted === true && (await this.#isReproduced(commit, depth)),
    };
  }

  /** Whether git makes this tree of the first parent and of a branch whose commits the policy there accepts too. */
  async #isReproduced(commit: Commit, depth: number): Promise<boolean> {
    const { repository } = this.#tools;
    const [base, merged, third] = commit.parents;
    const head = merged ?? (await readNote(repository, commit.id)).head;
    if (base === undefined || third !== undefined || head === null || depth >= maximumDepth) return false;
    if (!isObjectId(head, repository.format)) return false;
    const renames = ["-c", "merge.renames=true", "-c", "merge.directoryRenames=conflict"];
    const { code, stdout } = await repository.git.run([...renames, "merge-tree", "--write-tree", base, head]);
    if (code !== 0 || Buffer.from(stdout).toString("latin1").split("\n", 1)[0] !== commit.tree) return false;
    return this.#isBranchAccepted(base, head, depth + 1);
  }

  /**
   * Each commit of the branch, by the policies in its parents and by the one where it is merged. Otherwise a member who
   * was removed could go on from an old commit, and the forge's button would bring it in.
   */
  async #isBranchAccepted(base: ObjectId, head: ObjectId, depth: number): Promise<boolean> {
    const { repository, introduction, policies } = this.#tools;
    const found = await policies.of(await this.#treeOf(base));
    if ("fault" in found) return false;
    const { commits, boundary } = await listCommits(
      repository,
      { tips: [head], excluded: [base] },
      "parents-first",
    );
    if (commits.length > maximumBranch) return false;
    const authenticated = new Set<ObjectId>();
    // These are ancestors of `base`, which was accepted, so they were too unless they are older than the introduction.
    for (const id of boundary) if (await isAncestor(repository, introduction, id)) authenticated.add(id);
    for (const id of commits) {
      const decision = await this.decide(
        await this.#commit(id),
        (parent) => authenticated.has(parent),
        found.policy,
        depth,
      );
      if (!decision.accepted) return false;
      authenticated.add(id);
    }
    return true;
  }

  async #treeOf(id: ObjectId): Promise<ObjectId> {
    return (await this.#commit(id)).tree;
  }

  async #commit(id: ObjectId): Promise<Commit> {
    const { reader, repository } = this.#tools;
    const parsed = parseObject(await reader.read(id), repository);
    if ("refused" in parsed || parsed.object.type !== "commit")
      throw new NixsealError("refused", `the commit ${id} is missing or damaged`);
    return parsed.object;
  }
}

function changeOf(before: FoundPolicy, after: FoundPolicy): ChangeEvidence["policyFile"] {
  if ("fault" in after) return after.fault;
  return "blob" in before && before.blob === after.blob ? "same" : "changed";
}
