import { NixsealError, placeOf } from "../core/errors.ts";
import type { Files } from "../core/file-ports.ts";
import { buildFleet, type ShapedFile } from "./build.ts";
import type { Fleet } from "./model.ts";
import { withPlaces } from "./places.ts";
import { schemaProblems, type Problem } from "./problem.ts";
import { fleetFile, includedFile, keysAt } from "./schema.ts";
import { fleetFileName, readSources, type Source } from "./sources.ts";

/** What reading the inventory gave: the fleet when it is sound, and every problem, each with its place. */
export interface Inspection {
  readonly fleet: Fleet | null;
  readonly problems: readonly Problem[];
  readonly sources: readonly Source[];
}

const mostProblems = 100;
const mostListed = 20;

/**
 * Reads `fleet.toml` in the directory and the files that it includes. Throws `not-found`, `io`, `malformed` (not
 * UTF-8), `limit` or `config` (not TOML) when a file cannot be read at all; what is wrong in it is a problem.
 */
export async function inspectFleet(
  files: Pick<Files, "read" | "list" | "status" | "realPath">,
  directory: string,
): Promise<Inspection> {
  const { sources, problems } = await readSources(files, directory);
  return inspectSources(sources, problems);
}

/** The same from files that are read already; the first is fleet.toml. Pure. */
export async function inspectSources(
  sources: readonly Source[],
  before: readonly Problem[] = [],
): Promise<Inspection> {
  const problems = [...before];
  const shaped: ShapedFile[] = [];
  for (const { file, value } of sources) {
    const schema = file === fleetFileName ? fleetFile : includedFile;
    const parsed = schema.safeParse(value);
    if (parsed.success) shaped.push({ file, value: parsed.data });
    else problems.push(...schemaProblems(parsed.error, value, file, (path) => keysAt(path, schema)));
  }
  // Cross-checks over a part of the files would report as missing what only could not be read.
  const built = problems.length === 0 ? buildFleet(shaped) : undefined;
  problems.push(...(built?.problems ?? []));
  if (problems.length === 0) return { fleet: built!.fleet, problems, sources };
  return {
    fleet: null,
    problems: inOrder(await withPlaces(problems.slice(0, mostProblems), sources), sources),
    sources,
  };
}

/** As one reads the files: by file, then by place. */
export function inOrder(problems: readonly Problem[], sources: readonly Source[]): Problem[] {
  const order = new Map(sources.map(({ file }, index) => [file, index]));
  return [...problems].sort(
    (a, b) =>
      (order.get(a.file) ?? 0) - (order.get(b.file) ?? 0) ||
      (a.line ?? 0) - (b.line ?? 0) ||
      (a.column ?? 0) - (b.column ?? 0),
  );
}

/** The fleet, or `config` that names every problem with its place. */
export async function loadFleet(
  files: Pick<Files, "read" | "list" | "status" | "realPath">,
  directory: string,
): Promise<Fleet> {
  const { fleet, problems } = await inspectFleet(files, directory);
  if (fleet !== null) return fleet;
  throw problemsError(problems);
}

/** All problems as one error: the first with its place and hint, the others as lines below it. */
export function problemsError(problems: readonly Problem[]): NixsealError {
  const [first, ...others] = problems as [Problem, ...Problem[]];
  const lines = others.slice(0, mostListed).map((problem) => {
    const hint = problem.hint === undefined ? "" : ` (${problem.hint})`;
    return `${placeOf(problem)}: ${problem.message}${hint}`;
  });
  if (others.length > mostListed) lines.push(`and ${others.length - mostListed} more`);
  return new NixsealError("config", [first.message, ...lines].join("\n"), {
    hint: first.hint,
    where: { file: first.file, line: first.line, column: first.column },
  });
}
