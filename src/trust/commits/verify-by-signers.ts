/** A range judged by signers that the verifier pins outside of the repository. */
import type { Emit } from "../../core/events.ts";
import type { NamedTip } from "./descent.ts";
import type { Frontier } from "./frontier.ts";
import type { HistoryRoot } from "./history-root.ts";
import type { ObjectId } from "./object-id.ts";
import type { ObjectReader } from "./object-reader.ts";
import type { Range } from "./range.ts";
import { findTampering, type RefusedObject, type Repository } from "./repository.ts";
import type { Signers } from "./signers.ts";
import type { Files } from "../../core/file-ports.ts";

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
  /** With the members of the root, when there is one. Asked where there is something to judge: most runs have nothing new. */
  readonly signers: (root: HistoryRoot | null) => Promise<Signers>;
  /** Whose members count too; null where the list of signers says all. */
  readonly root: RootSource | null;
  readonly now: Date;
  readonly known: FrontierSource;
  /** Whether accepted tips are remembered: then no commit may come from the future. */
  readonly remembers: boolean;
}

/** Refused are all that fail, newest first; one refused commit does not hide another. */
export async function verifyBySigners(
  { repository, range, root: source, known: open, remembers, signers, now: clock }: Question,
  files: Pick<Files, "read" | "status">,
  emit: Emit,
): Promise<Report> {
  const { excluded, references } = range;
  const tampered = await findTampering(repository, range, files);
  if (tampered.length > 0) return { accepted: 0, refused: tampered, tips: [], latest: 0 };
  const withoutRoot = source === null ? await open(null) : null;
  // An id stands for its content and all history: where the range ends at accepted commits themselves, nothing is read.
  const before = withoutRoot?.count(range.tips, excluded) ?? null;
  if (before !== null) {
    const tips = references.map(({ name, object }) => ({ name, commit: object }));
    return { accepted: before, refused: [], tips, latest: 0 };
  }

  const [{ withObjects }, { peelTips }] = await Promise.all([import("./history.ts"), import("./tags.ts")]);
  return withObjects(repository, async (reader) => {
    const { commits: tips, tags, named, refused: refusedTips } = await peelTips(reader, repository, range);
    const refused = [...refusedTips];
    const root = source === null ? null : await source(reader, tips);
    const now = root === null || root.now < clock ? clock : root.now;
    const known = withoutRoot ?? (await open(root?.krlDigest ?? null));
    for (const tag of tags) {
      const { decideTag } = await import("./decide-tag.ts");
      const decision = await decideTag(tag, range.references, repository, await signers(root), now);
      if (!decision.accepted) refused.push({ commit: tag.id, ...decision });
    }
    const count = known.count(tips, excluded);
    if (count !== null) return { accepted: count, refused, tips: named, latest: 0 };

    const { judgeCommits } = await import("./judge-commits.ts");
    const question = { repository, signers: await signers(root), root, now, remembers };
    const judged = await judgeCommits(question, reader, { tips, excluded }, known.accepted(excluded), emit);
    refused.push(...judged.refused);
    if (refused.length === 0) await known.remember(tips, excluded, judged.accepted);
    return { accepted: judged.accepted, refused, tips: named, latest: judged.latest };
  });
}
