import { utf8Text } from "../core/bytes.ts";
import { at, NixsealError } from "../core/errors.ts";
import type { Files } from "../core/file-ports.ts";
import { includeGlob } from "./field-rules.ts";
import { globMatches, isGlob } from "./glob.ts";
import type { Problem } from "./problem.ts";
import { parseToml } from "./toml.ts";

/** A file of the inventory as it was read. */
export interface Source {
  /** Relative to the fleet's directory. */
  readonly file: string;
  readonly text: string;
  readonly value: Readonly<Record<string, unknown>>;
}

export const fleetFileName = "fleet.toml";
export const sourceLimits = { file: 16 << 20, total: 64 << 20, files: 10_000, atOnce: 16 } as const;

/** Reads fleet.toml and what it includes. Throws when a file cannot be read or is no TOML; the rest are problems. */
export async function readSources(
  files: Pick<Files, "read" | "list" | "status" | "realPath">,
  directory: string,
): Promise<{ sources: Source[]; problems: Problem[] }> {
  const kind = (await files.status(`${directory}/${fleetFileName}`))?.kind;
  // Opening a named pipe would wait for a writer for ever.
  if (kind !== undefined && kind !== "file")
    throw new NixsealError("io", `is no file (${kind})`, {
      where: { file: `${directory}/${fleetFileName}` },
    });
  const top = await readSource(files, directory, fleetFileName);
  const { paths, problems } = await includedPaths(files, directory, top.value["include"]);
  const sources = [top];
  let total = top.text.length;
  for (let next = 0; next < paths.length; next += sourceLimits.atOnce) {
    const some = paths.slice(next, next + sourceLimits.atOnce);
    const read = await Promise.all(some.map((path) => readSource(files, directory, path)));
    total += read.reduce((size, source) => size + source.text.length, 0);
    if (total > sourceLimits.total)
      throw new NixsealError("limit", `the files of the fleet are larger than ${sourceLimits.total} bytes`);
    sources.push(...read);
  }
  return { sources, problems };
}

/** One file from its bytes. Errors name it. */
export function sourceOf(file: string, bytes: Uint8Array): Source {
  try {
    const text = utf8Text(bytes, "the file");
    return { file, text, value: parseToml(text) };
  } catch (error) {
    throw at(error, { file });
  }
}

async function readSource(files: Pick<Files, "read">, directory: string, file: string): Promise<Source> {
  return sourceOf(file, await files.read(`${directory}/${file}`, { limit: sourceLimits.file }));
}

/** What `include` names, sorted and without repeats. Its shape is the schema's business: here wrong ones are passed over. */
async function includedPaths(
  files: Pick<Files, "list" | "status" | "realPath">,
  directory: string,
  include: unknown,
): Promise<{ paths: string[]; problems: Problem[] }> {
  const paths = new Set<string>();
  const problems: Problem[] = [];
  const inside = `${await files.realPath(directory)}/`;
  for (const [index, pattern] of (Array.isArray(include) ? include : []).entries()) {
    if (typeof pattern !== "string" || !includeGlob.pattern.test(pattern)) continue;
    const problem = (message: string, hint?: string): void => {
      problems.push({
        id: "include",
        severity: "high",
        file: fleetFileName,
        path: ["include", index],
        message,
        hint,
      });
    };
    const found = await expand(files, directory, pattern.split("/"));
    if (found.length === 0 && !isGlob(pattern)) problem(`'${pattern}' is not there`);
    for (const path of found) {
      // The file's bytes may come from anywhere that a symlink leads to; the repository ends at its directory.
      const real = await files.realPath(`${directory}/${path}`);
      if (!real.startsWith(inside))
        problem(`'${path}' leads out of the fleet's directory`, "put the file itself there");
      else if (path !== fleetFileName) paths.add(path);
    }
    if (paths.size > sourceLimits.files)
      throw new NixsealError("limit", `more than ${sourceLimits.files} included files`);
  }
  return { paths: [...paths].sort(), problems };
}

/** Files that a pattern matches, part by part. Hidden names are never matched: editors and we keep temporary files there. */
async function expand(
  files: Pick<Files, "list" | "status">,
  directory: string,
  parts: readonly string[],
): Promise<string[]> {
  let level = [""];
  for (const [index, part] of parts.entries()) {
    const wanted = index === parts.length - 1 ? "file" : "directory";
    const next: string[] = [];
    for (const parent of level) {
      const names = isGlob(part) ? await list(files, `${directory}/${parent}`) : [part];
      for (const name of names) {
        if (name.startsWith(".") || !globMatches(part, name)) continue;
        const path = `${parent}${name}`;
        if ((await files.status(`${directory}/${path}`))?.kind === wanted)
          next.push(wanted === "file" ? path : `${path}/`);
      }
    }
    level = next;
  }
  return level;
}

async function list(files: Pick<Files, "list">, directory: string): Promise<string[]> {
  const names = await files.list(directory);
  if (names.length > sourceLimits.files)
    throw new NixsealError("limit", `more than ${sourceLimits.files} files`, { where: { file: directory } });
  return names;
}
