import { utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import type { Processes } from "../../core/ports.ts";
import { gitFailed } from "./git.ts";
import { isObjectId, type ObjectId } from "./object-id.ts";
import { openRepository, openWith, type Repository } from "./repository.ts";

export interface Range {
  /** What the range ends at: commits or annotated tags. */
  readonly tips: readonly ObjectId[];
  /** What it begins behind. */
  readonly excluded: readonly ObjectId[];
  /** The full names of references among the tips, `refs/heads/main`. */
  readonly references: readonly Reference[];
  /** Objects that `refs/replace/` shows others in the place of. */
  readonly replaced: readonly string[];
}

export interface Reference {
  readonly name: string;
  readonly object: ObjectId;
}

const maximumRevisions = 1000;
const replacements = "refs/replace/";

/** The repository that the directory lies in, and the range in it: usually by one process for both. */
export async function openRange(
  processes: Pick<Processes, "run" | "converse">,
  files: Pick<Files, "realPath">,
  directory: string,
  revisions: readonly string[],
): Promise<{ readonly repository: Repository; readonly range: Range }> {
  refuseOptions(revisions);
  const names = ["--symbolic-full-name", ...revisions, `--glob=${replacements}*`, "--"];
  const opened = await openWith(processes, files, directory, [...revisions, ...names]);
  if (opened !== null) {
    const { repository, lines } = opened;
    const { names: known, ...ends } = endsOf(repository, revisions, lines);
    const replaced = known.filter((name) => name.startsWith(replacements));
    const references = known.filter((name) => !name.startsWith(replacements));
    // rev-parse names a reference only where the revision is just that (`v1~2` has no name), so one name is the one end's.
    const range =
      ends.tips.length === 1 && references.length <= 1
        ? {
            ...ends,
            references: references.map((name) => ({ name, object: ends.tips[0]! })),
            replaced: replaced.map((name) => name.slice(replacements.length)),
          }
        : { ...ends, ...(await readReferences(repository, references, ends.tips)) };
    return { repository, range };
  }
  const repository = await openRepository(processes, files, directory);
  return { repository, range: await resolveRange(repository, revisions) };
}

/**
 * Revisions as gitrevisions(7) writes them, resolved once: from here on only ids count, so that a reference that moves
 * meanwhile changes nothing. `usage` for what git would take as an option.
 */
export async function resolveRange(repository: Repository, revisions: readonly string[]): Promise<Range> {
  refuseOptions(revisions);
  const [ids, names] = await Promise.all([
    revParse(repository, revisions, []),
    revParse(repository, revisions, ["--symbolic-full-name"]),
  ]);
  const { names: known, ...ends } = endsOf(repository, revisions, [...ids, ...names]);
  return { ...ends, ...(await readReferences(repository, known, ends.tips)) };
}

function refuseOptions(revisions: readonly string[]): void {
  for (const revision of revisions) {
    if (revision.startsWith("-") || revision === "" || /\p{Cc}/u.test(revision)) {
      throw new NixsealError("usage", `'${revision.slice(0, 64)}' is not a revision or a range`, {
        hint: "write a commit, a branch, a tag or A..B, as for git rev-list",
      });
    }
  }
}

/** From what rev-parse gives: ids, those that are left out behind `^`, and full names of references. */
function endsOf(
  { format }: Repository,
  revisions: readonly string[],
  lines: readonly string[],
): Pick<Range, "tips" | "excluded"> & { readonly names: readonly string[] } {
  const tips: ObjectId[] = [];
  const excluded: ObjectId[] = [];
  const names: string[] = [];
  for (const line of lines) {
    const text = line.replace(/^\^/, "");
    if (isObjectId(text, format)) (line.startsWith("^") ? excluded : tips).push(text);
    else if (line.startsWith("refs/")) names.push(line);
    // git before 2.43 repeats the option.
    else if (!text.startsWith("refs/") && !["", "--", "--end-of-options"].includes(line) && !isPseudo(text))
      throw notARange(revisions);
  }
  if (tips.length === 0) throw notARange(revisions);
  if (tips.length + excluded.length > maximumRevisions) {
    throw new NixsealError("limit", `the range has more than ${maximumRevisions} ends`);
  }
  return { tips, excluded, names };
}

/** A detached HEAD, FETCH_HEAD and the like (gitglossary(7), "pseudoref"): named in full, and no reference. */
function isPseudo(name: string): boolean {
  return /^(?:[A-Z_]+_)?HEAD$/.test(name);
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
  return utf8Text(stdout, "git's output").split("\n");
}

/** A reference counts when it names a tip itself: `v1~2` names no tag. */
async function readReferences(
  { git, format }: Repository,
  names: readonly string[],
  tips: readonly ObjectId[],
): Promise<Pick<Range, "references" | "replaced">> {
  const lines = await git.lines("for-each-ref", "--format=%(objectname) %(refname)", replacements, ...names);
  const references: Reference[] = [];
  const replaced: string[] = [];
  for (const line of lines) {
    const [id = "", name = ""] = line.split(/ (.*)/s);
    if (name.startsWith(replacements)) replaced.push(name.slice(replacements.length));
    else if (names.includes(name) && isObjectId(id, format) && tips.includes(id))
      references.push({ name, object: id });
  }
  return { references, replaced };
}

function notARange(revisions: readonly string[]): NixsealError {
  return new NixsealError("not-found", `'${revisions.join(" ").slice(0, 200)}' names no commits`, {
    hint: "write a commit, a branch, a tag or A..B, as for git rev-list",
  });
}
