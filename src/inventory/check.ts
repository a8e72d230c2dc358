import { at } from "../core/errors.ts";
import type { Finding } from "../core/finding.ts";
import type { Files } from "../core/file-ports.ts";
import { inOrder, inspectFleet } from "./load.ts";
import { reviewPermissions } from "./permissions.ts";
import { withPlaces } from "./places.ts";
import type { Problem } from "./problem.ts";
import { reviewFleet } from "./review.ts";
import type { Source } from "./sources.ts";
import { parseTree } from "./syntax-tree.ts";

/**
 * Everything that can be said about the inventory without a secret and without a network: what makes it unusable, and
 * what is unwise or will fail later. Throws when a file cannot be read at all.
 */
export async function checkFleet(
  files: Pick<Files, "read" | "list" | "status" | "realPath">,
  directory: string,
): Promise<{ findings: Finding[]; files: string[] }> {
  const { fleet, problems, sources } = await inspectFleet(files, directory);
  const advice =
    fleet === null ? [] : [...reviewFleet(fleet), ...(await reviewPermissions(files, directory, fleet))];
  const placed = await withPlaces([...problems, ...advice], sources);
  const all = [...placed, ...(await Promise.all(sources.map(reviewVersion))).flat()];
  return { findings: inOrder(all, sources).map(toFinding), files: sources.map(({ file }) => file) };
}

/** Nix reads TOML 1.0 only; what 1.1 added would fail there, on the machine that builds. */
async function reviewVersion({ file, text }: Source): Promise<Problem[]> {
  try {
    await parseTree(text, "1.0.0");
    return [];
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw at(error, { file });
    const { lineNumber: line, column } = error as SyntaxError & { lineNumber: number; column: number };
    return [
      {
        id: "toml-version",
        severity: "high",
        file,
        path: [],
        line,
        column: column + 1,
        message: `not TOML 1.0, which Nix reads: ${error.message}`,
        hint: "write it the way TOML 1.0 has it",
      },
    ];
  }
}

function toFinding({ id, severity, file, line, column, path, message, hint }: Problem): Finding {
  return {
    id,
    severity,
    file,
    line,
    column,
    ...(path[0] === "secrets" && typeof path[1] === "string" ? { secret: path[1] } : {}),
    message,
    hint,
  };
}
