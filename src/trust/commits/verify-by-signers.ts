/** A range judged by signers that the verifier pins outside of the repository. */
import type { Emit } from "../../core/events.ts";
import { decideSignature } from "./decide-signature.ts";
import { refuseFuture, type NamedTip } from "./descent.ts";
import type { Frontier } from "./frontier.ts";
import { listCommits, parseObject, withObjects, type CommitList } from "./history.ts";
import type { HistoryRoot } from "./history-root.ts";
import type { ObjectId } from "./object-id.ts";
import type { ObjectReader, ReadObject } from "./object-reader.ts";
import type { Range } from "./range.ts";
import { refuse } from "./refusal.ts";
import { findTampering, type RefusedObject, type Repository } from "./repository.ts";
import { decideTag, peelTips } from "./tags.ts";
import { refuseRollback } from "./root-rollback.ts";
import { withMembersOf, type Signers } from "./signers.ts";
import type { Files } from "../../core/ports.ts";

export interface Report {
  /** Commits; tags are not counted. */
  readonly accepted: number;
  readonly refused: readonly RefusedObject[];
  /** What references led to, for the memory of accepted tips. */
  readonly tips: readonly NamedTip[];
  /** The latest date of the commits that were judged now: milliseconds since 1970. */
  readonly latest: number;
}

/** The fleet's root as it stands at the ends of the range; `refused` when it is not to be believed. */
export type RootSource = (reader: ObjectReader, tips: readonly ObjectId[]) => Promise<HistoryRoot>;

/** What was accepted before under the root's revocation list of this digest; null where no root was asked, or has none. */
export type FrontierSource = (krlDigest: string | null) => Promise<Frontier>;

export interface Question {
  readonly repository: Repository;
  readonly range: Range;
  readonly signers: Signers;
  /** Whose members count too; null where the list of signers says all. */
  readonly root: RootSource | null;
  readonly now: Date;
  readonly known: FrontierSource;
  /** Whether accepted tips are remembered: then no commit may come from the future. */
  readonly remembers: boolean;
}

/** Refused are all that fail, newest first; one refused commit does not hide another. */
export async function verifyBySigners(
  { repository, range, root: source, known: open, remembers, ...given }: Question,
  files: Pick<Files, "read" | "status">,
  emit: Emit,
): Promise<Report> {
  return withObjects(repository, async (reader) => {
    const [tampered, ends] = await Promise.all([
      findTampering(repository, range, files),
      peelTips(reader, repository, range),
    ]);
    if (tampered.length > 0) return { accepted: 0, refused: tampered, tips: [], latest: 0 };
    const { commits: tips, tags, named, refused: refusedTips } = ends;
    const refused = [...refusedTips];
    const root = source === null ? null : await source(reader, tips);
    const signers = root === null ? given.signers : withMembersOf(root, given.signers);
    const now = root === null || root.now < given.now ? given.now : root.now;
    const known = await open(root?.krlDigest ?? null);
    for (const tag of tags) {
      const decision = await decideTag(tag, range.references, repository, signers, now);
      if (!decision.accepted) refused.push({ commit: tag.id, ...decision });
    }
    const { excluded } = range;
    const count = known.count(tips, excluded);
    if (count !== null) return { accepted: count, refused, tips: named, latest: 0 };

    const before = known.accepted(excluded);
    if (root !== null)
      await refuseRollback(repository, reader, { tips, excluded: [...excluded, ...before] }, root);
    const list = await listCommits(repository, { tips, excluded: [...excluded, ...before] });
    const judge = new CommitJudge({ repository, signers, now, remembers }, list);
    let done = 0;
    for await (const object of reader.readAll(list.commits)) {
      const no = await judge.decide(object);
      if (no !== null) refused.push(no);
      done += 1;
      if (done % 64 === 0)
        emit({ type: "progress", task: "verify", done, total: list.commits.length, unit: "commits" });
    }
    const total =
      before.length === 0
        ? list.commits.length
        : (await listCommits(repository, { tips, excluded })).commits.length;
    const accepted = total - judge.refused;
    if (refused.length === 0) await known.remember(tips, excluded, total);
    return { accepted, refused, tips: named, latest: judge.latest };
  });
}

class CommitJudge {
  readonly #question: Pick<Question, "repository" | "signers" | "now" | "remembers">;
  readonly #listed: ReadonlySet<ObjectId>;
  readonly #boundary: ReadonlySet<ObjectId>;
  refused = 0;
  latest = 0;

  constructor(
    question: Pick<Question, "repository" | "signers" | "now" | "remembers">,
    { commits, boundary }: CommitList,
  ) {
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
