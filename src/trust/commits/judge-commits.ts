/** The commits of a range that no earlier run accepted, each judged by the signers. */
import type { Emit } from "../../core/events.ts";
import { decideSignature } from "./decide-signature.ts";
import { refuseFuture } from "./descent.ts";
import { listCommits, parseObject, type CommitList } from "./history.ts";
import type { HistoryRoot } from "./history-root.ts";
import type { ObjectId } from "./object-id.ts";
import type { ObjectReader, ReadObject } from "./object-reader.ts";
import type { Range } from "./range.ts";
import { refuse } from "./refusal.ts";
import type { RefusedObject, Repository } from "./repository.ts";
import { refuseRollback } from "./root-rollback.ts";
import type { Signers } from "./signers.ts";

export interface JudgeQuestion {
  readonly repository: Repository;
  readonly signers: Signers;
  readonly root: HistoryRoot | null;
  readonly now: Date;
  /** Whether accepted tips are remembered: then no commit may come from the future. */
  readonly remembers: boolean;
}

export interface JudgedCommits {
  /** Of the whole range, with those that were accepted before. */
  readonly accepted: number;
  readonly refused: readonly RefusedObject[];
  /** The latest date of the commits that were judged: milliseconds since 1970. */
  readonly latest: number;
}

/** `before`: commits whose history, down to some of `excluded`, was accepted already. */
export async function judgeCommits(
  question: JudgeQuestion,
  reader: ObjectReader,
  { tips, excluded }: Pick<Range, "tips" | "excluded">,
  before: readonly ObjectId[],
  emit: Emit,
): Promise<JudgedCommits> {
  const { repository, root } = question;
  const unseen = { tips, excluded: [...excluded, ...before] };
  if (root !== null) await refuseRollback(repository, reader, unseen, root);
  const list = await listCommits(repository, unseen);
  const judge = new CommitJudge(question, list);
  const refused: RefusedObject[] = [];
  let done = 0;
  for await (const object of reader.readAll(list.commits)) {
    const no = await judge.decide(object);
    if (no !== null) refused.push(no);
    done += 1;
    if (done % 64 === 0)
      emit({ type: "progress", task: "verify", done, total: list.commits.length, unit: "commits" });
  }
  const { commits } = before.length === 0 ? list : await listCommits(repository, { tips, excluded });
  return { accepted: commits.length - refused.length, refused, latest: judge.latest };
}

class CommitJudge {
  readonly #question: JudgeQuestion;
  readonly #listed: ReadonlySet<ObjectId>;
  readonly #boundary: ReadonlySet<ObjectId>;
  refused = 0;
  latest = 0;

  constructor(question: JudgeQuestion, { commits, boundary }: CommitList) {
    this.#question = question;
    this.#listed = new Set(commits);
    this.#boundary = boundary;
  }

  async decide(read: ReadObject): Promise<RefusedObject | null> {
    const { repository, signers, now, remembers } = this.#question;
    const parsed = parseObject(read, repository);
    if ("refused" in parsed) return this.#refuse({ commit: read.id, ...parsed.refused });
    const { object } = parsed;
    if (object.type !== "commit") {
      return this.#refuse({ commit: read.id, ...refuse("malformed", "is a tag where a commit belongs") });
    }
    // Git walked the history; whatever misled it (caches, a damaged object) must not hide a commit from us.
    const unseen = object.parents.find((parent) => !this.#listed.has(parent) && !this.#boundary.has(parent));
    const decision =
      unseen === undefined
        ? ((remembers ? refuseFuture(object, now) : null) ??
          (await decideSignature(object, repository.format, signers, now)))
        : refuse("parent", `its parent ${unseen} was not judged`);
    if (decision.accepted) {
      this.latest = Math.max(this.latest, (object.committed ?? 0) * 1000);
      return null;
    }
    const reason = `${decision.reason} (author ${object.author.slice(0, 200)})`;
    return this.#refuse({ commit: read.id, ...decision, reason });
  }

  #refuse(refused: RefusedObject): RefusedObject {
    this.refused += 1;
    return refused;
  }
}
