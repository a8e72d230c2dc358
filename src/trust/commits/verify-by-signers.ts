/** A range judged by signers that the verifier pins outside of the repository. */
import type { Emit } from "../../core/events.ts";
import { decideSignature } from "./decide-signature.ts";
import { listCommits, parseObject, withObjects, type CommitList } from "./history.ts";
import type { ObjectId } from "./object-id.ts";
import type { ReadObject } from "./object-reader.ts";
import type { Range } from "./range.ts";
import { refuse } from "./refusal.ts";
import { findTampering, type RefusedObject, type Repository } from "./repository.ts";
import { decideTag, peelTips } from "./tags.ts";
import type { Signers } from "./signers.ts";
import type { Files } from "../../core/ports.ts";

export interface Report {
  /** Commits; tags are not counted. */
  readonly accepted: number;
  readonly refused: readonly RefusedObject[];
}

/** What was accepted before under the same signers; see frontier.ts. */
export interface Known {
  /** How many commits such a range has, when exactly this one was accepted. */
  count(tips: readonly ObjectId[], excluded: readonly ObjectId[]): number | null;
  /** Commits whose history down to `excluded` was accepted. */
  accepted(excluded: readonly ObjectId[]): readonly ObjectId[];
  remember(tips: readonly ObjectId[], excluded: readonly ObjectId[], count: number): Promise<void>;
}

export interface Question {
  readonly repository: Repository;
  readonly range: Range;
  readonly signers: Signers;
  readonly now: Date;
  readonly known: Known;
}

/** Refused are all that fail, newest first; one refused commit does not hide another. */
export async function verifyBySigners(
  { repository, range, signers, now, known }: Question,
  files: Pick<Files, "read" | "status">,
  emit: Emit,
): Promise<Report> {
  const tampered = await findTampering(repository, files);
  if (tampered.length > 0) return { accepted: 0, refused: tampered };

  return withObjects(repository, async (reader) => {
    const { commits: tips, tags, refused: refusedTips } = await peelTips(reader, repository, range);
    const refused = [...refusedTips];
    for (const tag of tags) {
      const decision = await decideTag(tag, range.references, repository, signers, now);
      if (!decision.accepted) refused.push({ commit: tag.id, ...decision });
    }
    const { excluded } = range;
    const count = known.count(tips, excluded);
    if (count !== null) return { accepted: count, refused };

    const before = known.accepted(excluded);
    const list = await listCommits(repository, { tips, excluded: [...excluded, ...before] });
    const judge = new CommitJudge({ repository, signers, now }, list);
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
    return { accepted, refused };
  });
}

class CommitJudge {
  readonly #question: Pick<Question, "repository" | "signers" | "now">;
  readonly #listed: ReadonlySet<ObjectId>;
  readonly #boundary: ReadonlySet<ObjectId>;
  refused = 0;

  constructor(question: Pick<Question, "repository" | "signers" | "now">, { commits, boundary }: CommitList) {
    this.#question = question;
    this.#listed = new Set(commits);
    this.#boundary = boundary;
  }

  async decide(read: ReadObject): Promise<RefusedObject | null> {
    const { repository, signers, now } = this.#question;
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
        ? await decideSignature(object, repository.format, signers, now)
        : refuse("parent", `its parent ${unseen} was not judged`);
    if (decision.accepted) return null;
    const reason = `${decision.reason} (author ${object.author.slice(0, 200)})`;
    return this.#refuse({ commit: read.id, ...decision, reason });
  }

  #refuse(refused: RefusedObject): RefusedObject {
    this.refused += 1;
    return refused;
  }
}
