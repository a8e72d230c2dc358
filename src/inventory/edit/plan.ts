import { utf8 } from "../../core/bytes.ts";
import { at, NixsealError } from "../../core/errors.ts";
import { inspectSources, problemsError } from "../load.ts";
import type { Fleet } from "../model.ts";
import { withPlaces } from "../places.ts";
import type { Problem } from "../problem.ts";
import { sourceOf, type Source } from "../sources.ts";
import { parseTree, type AST } from "../syntax-tree.ts";
import { unifiedDiff } from "./diff.ts";
import { applySplices, type Splice } from "./splice.ts";

/** One file that an edit changes. */
export interface FileChange {
  readonly file: string;
  readonly before: string;
  readonly after: string;
  readonly diff: string;
}

/** What an edit does to one file. */
export type EditFile = (source: Source, tree: AST.TOMLProgram) => Splice[];

export interface EditPlan {
  readonly changes: readonly FileChange[];
  /** The fleet after the edit; null when it had problems before, which an addition need not solve. */
  readonly fleet: Fleet | null;
}

/**
 * Works out an edit of the files and proves that it breaks nothing: the new text is parsed and validated as a whole.
 * Throws `config` with the place when there would be a problem that was not there before.
 * `concerns` spares the slow parse of files that the edit cannot be about.
 */
export async function planEdit(
  sources: readonly Source[],
  concerns: (source: Source) => boolean,
  edit: EditFile,
): Promise<EditPlan> {
  const changes: FileChange[] = [];
  const edited: Source[] = [];
  for (const source of sources) {
    const change = concerns(source) ? await changeOf(source, edit) : undefined;
    if (change !== undefined) changes.push(change);
    edited.push(change === undefined ? source : editedSource(change));
  }
  const before = await inspectSources(sources);
  const after = await inspectSources(edited);
  const known = new Set(before.problems.map(identity));
  const fresh = after.problems.filter((problem) => !known.has(identity(problem)));
  if (fresh.length > 0) throw await refusal(fresh, sources);
  return { changes, fleet: after.fleet };
}

async function changeOf(source: Source, edit: EditFile): Promise<FileChange | undefined> {
  const { file, text } = source;
  try {
    const splices = edit(source, await parseTree(text));
    const after = applySplices(text, splices);
    return after === text ? undefined : { file, before: text, after, diff: unifiedDiff(file, text, splices) };
  } catch (error) {
    if (error instanceof SyntaxError)
      throw new NixsealError("config", `cannot edit: ${error.message}`, {
        hint: "write the file in TOML 1.0, as Nix reads it",
        where: { file },
        cause: error,
      });
    throw at(error, { file });
  }
}

/** An unusual layout can defeat an edit; the result is looked at before anything is written. */
function editedSource({ file, after }: FileChange): Source {
  try {
    return sourceOf(file, utf8(after));
  } catch (cause) {
    throw new NixsealError(
      "config",
      "nothing was changed, because the file is laid out in a way that cannot be edited",
      {
        hint: "edit it by hand",
        where: { file },
        cause,
      },
    );
  }
}

/** The places are those in the files as they are: nobody ever sees the text that was refused. */
async function refusal(problems: readonly Problem[], sources: readonly Source[]): Promise<NixsealError> {
  const nowhere = problems.map((problem) => ({
    ...problem,
    path: typeof problem.path.at(-1) === "number" ? problem.path.slice(0, -1) : problem.path,
    line: undefined,
    column: undefined,
  }));
  const error = problemsError(await withPlaces(nowhere, sources));
  return new NixsealError("config", `nothing was changed, because then: ${error.message}`, {
    hint: problems[0]!.id === "selector" ? "change this first, then try again" : error.hint,
    where: error.where,
  });
}

function identity(problem: Problem): string {
  return JSON.stringify([problem.id, problem.file, problem.path, problem.message]);
}
