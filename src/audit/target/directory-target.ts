import { basename, dirname, join } from "node:path";
import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import { limits } from "../limits.ts";
import type { Target, TargetEntry, UnseenEntry } from "./target.ts";

type Reading = Pick<Files, "read" | "list" | "statusOfLink" | "readLink">;

/** Directories that hold no configuration: what version control, direnv and package managers keep for themselves. */
const notLookedInto: ReadonlySet<string> = new Set([".hg", ".jj", ".svn", ".direnv", "node_modules"]);

/** A directory as it lies there, also what git ignores: a build from the directory would use it. */
export async function directoryTarget(files: Reading, directory: string): Promise<Target> {
  const entries: TargetEntry[] = [];
  const leftOut: UnseenEntry[] = [];
  let cut = false;
  const waiting: { path: string; depth: number }[] = [{ path: "", depth: 0 }];
  for (let next = waiting.pop(); next !== undefined && !cut; next = waiting.pop()) {
    const below: typeof waiting = [];
    for (const name of await listed(files, directory, next.path, leftOut)) {
      const path = next.path === "" ? name : `${next.path}/${name}`;
      if (entries.length >= limits.entries) {
        cut = true;
        leftOut.push({ file: path, reason: `more than ${limits.entries} files: this one and all after it` });
        break;
      }
      const status = path.length > limits.path ? null : await files.statusOfLink(join(directory, path));
      if (status === null)
        leftOut.push({ file: path, reason: "its name cannot be used to open it", hides: true });
      else if (status.kind === "symlink")
        entries.push({ path, kind: "symlink", size: 0, link: await files.readLink(join(directory, path)) });
      else if (status.kind === "file")
        entries.push({ path, kind: "file", size: status.size, link: undefined });
      else if (status.kind === "other")
        leftOut.push({ file: path, reason: "neither file, directory nor symlink" });
      else if (name === ".git") continue;
      else if (notLookedInto.has(name)) leftOut.push({ file: path, reason: "a tool's own directory" });
      else if (next.depth < limits.depth) below.push({ path, depth: next.depth + 1 });
      else {
        cut = true;
        leftOut.push({ file: path, reason: `more than ${limits.depth} directories inside each other` });
      }
    }
    waiting.push(...below.toReversed());
  }
  return {
    entries,
    leftOut,
    cut,
    singleFile: false,
    repository: null,
    read: ({ path }, limit = limits.file) => files.read(join(directory, path), { limit, follow: false }),
    close: async () => undefined,
  };
}

/** One file; names in the report are relative to its directory. */
export async function fileTarget(files: Reading, file: string): Promise<Target> {
  const status = await files.statusOfLink(file);
  if (status?.kind !== "file") throw new NixsealError("not-found", "no such file", { where: { file } });
  return {
    entries: [{ path: basename(file), kind: "file", size: status.size, link: undefined }],
    leftOut: [],
    cut: false,
    singleFile: true,
    repository: null,
    read: ({ path }, limit = limits.file) => files.read(join(dirname(file), path), { limit, follow: false }),
    close: async () => undefined,
  };
}

async function listed(
  files: Reading,
  directory: string,
  path: string,
  leftOut: UnseenEntry[],
): Promise<string[]> {
  try {
    return await files.list(join(directory, path));
  } catch (error) {
    if (path === "" || !(error instanceof NixsealError)) throw error;
    leftOut.push({ file: path, reason: error.message, hides: true });
    return [];
  }
}
