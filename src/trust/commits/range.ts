import { utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { gitFailed } from "./git.ts";
import { isObjectId, type ObjectId } from "./object-id.ts";
import type { Repository } from "./repository.ts";

export interface Range {
  /** What the range ends at: commits or annotated tags. */
  readonly tips: readonly ObjectId[];
  /** What it begins behind. */
  readonly excluded: readonly ObjectId[];
  /** The full names of references among the tips, `refs/heads/main`. */
  readonly references: readonly Reference[];
}

export interface Reference {
  readonly name: string;
  readonly object: ObjectId;
}

const maximumRevisions = 1000;

/**
 * Revisions as gitrevisions(7) writes them, resolved once: from here on only ids count, so that a reference that moves
 * meanwhile changes nothing. `usage` for what git would take as an option.
 */
export async function resolveRange(repository: Repository, revisions: readonly string[]): Promise<Range> {
  for (const revision of revisions) {
    if (revision.startsWith("-") || revision === "" || /\p{Cc}/u.test(revision)) {
      throw new NixsealError("usage", `'${revision.slice(0, 64)}' is not a revision or a range`, {
        hint: "write a commit, a branch, a tag or A..B, as for git rev-list",
      });
    }
  }
  const [lines, names] = await Promise.all([
    revParse(repository, revisions, []),
    revParse(repository, revisions, ["--symbolic-full-name"]),
  ]);
  const tips: ObjectId[] = [];
  const excluded: ObjectId[] = [];
  for (const line of lines) {
    const id = line.replace(/^\^/, "");
    if (!isObjectId(id, repository.format)) throw notARange(revisions);
    (line.startsWith("^") ? excluded : tips).push(id);
  }
  if (tips.length === 0) throw notARange(revisions);
  if (tips.length + excluded.length > maximumRevisions) {
    throw new NixsealError("limit", `the range has more than ${maximumRevisions} ends`);
  }
  return { tips, excluded, references: await resolveReferences(repository, names, tips) };
}

async function revParse(
  { git }: Repository,
  revisions: readonly string[],
  options: readonly string[],
): Promise<string[]> {
  const { code, stdout, stderr } = await git.run([
    "rev-parse",
    ...options,
    "--end-of-options",
    ...revisions,
    "--",
  ]);
  if (code !== 0) {
    if (/bad revision|unknown revision|ambiguous argument|Needed a single/i.test(stderr))
      throw notARange(revisions);
    throw gitFailed("rev-parse", stderr);
  }
  // Git takes a tag `main` for the branch, which is what gets deployed: whoever may push a tag would choose what is judged.
  const ambiguous = /refname '(.*)' is ambiguous/.exec(stderr)?.[1];
  if (ambiguous !== undefined) {
    throw new NixsealError("refused", `'${ambiguous.slice(0, 200)}' is the name of several references`, {
      hint: "write the whole name, refs/heads/NAME, or delete the other with git tag -d NAME",
    });
  }
  // git before 2.43 repeats the option.
  return utf8Text(stdout, "git's output")
    .split("\n")
    .filter((line) => line !== "" && line !== "--" && line !== "--end-of-options");
}

/** A reference counts when it names a tip itself: `v1~2` names no tag. */
async function resolveReferences(
  { git, format }: Repository,
  names: readonly string[],
  tips: readonly ObjectId[],
): Promise<Reference[]> {
  const wanted = names.filter((name) => name.startsWith("refs/"));
  if (wanted.length === 0) return [];
  const lines = await git.lines("for-each-ref", "--format=%(objectname) %(refname)", ...wanted);
  return lines.flatMap((line) => {
    const [id = "", name = ""] = line.split(/ (.*)/s);
    if (!wanted.includes(name) || !isObjectId(id, format) || !tips.includes(id)) return [];
    return [{ name, object: id }];
  });
}

function notARange(revisions: readonly string[]): NixsealError {
  return new NixsealError("not-found", `'${revisions.join(" ").slice(0, 200)}' names no commits`, {
    hint: "write a commit, a branch, a tag or A..B, as for git rev-list",
  });
}
