import { dirname, join, resolve } from "node:path";
import { utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import type { Processes } from "../../core/ports.ts";
import { Git, gitFailed } from "./git.ts";
import { isObjectId, type ObjectFormat, type ObjectId } from "./object-id.ts";
import { refuse, type CommitRefusal } from "./refusal.ts";

export interface Repository {
  readonly git: Git;
  readonly format: ObjectFormat;
  /** What all worktrees share: objects, references, configuration. Absolute, symlinks resolved. */
  readonly commonDirectory: string;
}

export interface RefusedObject extends CommitRefusal {
  readonly commit: string;
}

const maximumList = 16 << 20;
/** More than that is not listed one by one. */
const maximumTampered = 1000;

const described = ["--show-object-format", "--git-common-dir", "--absolute-git-dir"];
/** Takes only a `.git`, which git never checks out, for a repository; git before 2.38 does not know it. */
const onlyDotGit = ["-c", "safe.bareRepository=explicit"];

/** The repository that `directory` lies in, as git finds it without any GIT_ variable. */
export async function openRepository(
  processes: Pick<Processes, "run" | "converse">,
  files: Pick<Files, "realPath">,
  directory: string,
): Promise<Repository> {
  const git = new Git(processes, directory);
  const strict = await git.run([...onlyDotGit, "rev-parse", ...described]);
  const { code, stdout, stderr } = strict.code === 0 ? strict : await git.run(["rev-parse", ...described]);
  if (code !== 0) {
    if (!/not a git repository/i.test(stderr)) throw gitFailed("rev-parse", stderr);
    throw new NixsealError("not-found", `${directory} is not in a git repository`, {
      hint: "run it inside of one, or give --fleet DIR",
    });
  }
  const lines = utf8Text(stdout, "git's output").split("\n");
  if (strict.code !== 0)
    await refuseEmbedded(new Git(processes, dirname(String(lines[2]))), String(lines[2]));
  return describedBy(lines, git, files);
}

/** The same with the output of more arguments, in one process; null wherever git had anything to say against it. */
export async function openWith(
  processes: Pick<Processes, "run" | "converse">,
  files: Pick<Files, "realPath">,
  directory: string,
  more: readonly string[],
): Promise<{ readonly repository: Repository; readonly lines: readonly string[] } | null> {
  const git = new Git(processes, directory);
  const { code, stdout, stderr } = await git.run([...onlyDotGit, "rev-parse", ...described, ...more]);
  if (code !== 0 || stderr !== "") return null;
  const lines = utf8Text(stdout, "git's output").split("\n");
  return { repository: await describedBy(lines, git, files), lines: lines.slice(described.length) };
}

async function describedBy(
  [format, common]: readonly string[],
  git: Git,
  files: Pick<Files, "realPath">,
): Promise<Repository> {
  if ((format !== "sha1" && format !== "sha256") || common === undefined || common === "") {
    throw new NixsealError("refused", `object format '${String(format).slice(0, 20)}' is not known`);
  }
  return { git, format, commonDirectory: await files.realPath(resolve(git.directory, common)) };
}

/**
 * Git takes a directory with HEAD, objects and refs in it for a repository, also where these are files of a commit. A
 * fleet's directory below a repository's top would bring a history, configuration and memory of its own along.
 */
async function refuseEmbedded(outside: Git, directory: string): Promise<void> {
  const { code, stderr } = await outside.run(["rev-parse", "--git-dir"]);
  if (code !== 0 && /not a git repository/i.test(stderr)) return; // bare, and in no other
  throw new NixsealError("refused", `${directory} is a bare repository inside of another one`, {
    hint: "look who made it: commits of the outer one may have brought it",
  });
}

/**
 * What would make git show another history than the one that was signed: shallow boundaries, grafts, replacements.
 * Whoever builds or deploys from this repository gets that other history, so each is a refusal.
 */
export async function findTampering(
  { format, commonDirectory }: Repository,
  { replaced }: { readonly replaced: readonly string[] },
  files: Pick<Files, "read" | "status">,
): Promise<RefusedObject[]> {
  const listed = async (name: string): Promise<string[]> => {
    const path = join(commonDirectory, name);
    if ((await files.status(path)) === null) return [];
    const text = Buffer.from(await files.read(path, { limit: maximumList })).toString("latin1");
    const lines = text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
    return lines.map((line) => line.split(" ", 1)[0]!);
  };
  const refused = (
    commits: readonly string[],
    code: "shallow" | "graft" | "replaced",
    reason: string,
  ): RefusedObject[] =>
    commits
      .slice(0, maximumTampered)
      .map((commit) => ({ commit: idOrText(commit, format), ...refuse(code, reason) }));
  return [
    ...refused(await listed("shallow"), "shallow", "the history is cut off here: its parents are not there"),
    ...refused(await listed("info/grafts"), "graft", "a graft gives it other parents than it has"),
    ...refused(replaced, "replaced", "refs/replace shows another object in its place"),
  ];
}

function idOrText(text: string, format: ObjectFormat): ObjectId | string {
  return isObjectId(text, format) ? text : text.slice(0, 64);
}
