import { posix } from "node:path";
import { NixsealError } from "../../core/errors.ts";
import type { Files, FileStatus } from "../../core/file-ports.ts";
import type { Target, TargetEntry } from "./target.ts";

/** Where the target seems to lie for those who read it through `targetFiles`. */
export const targetRoot = "/target";

const nothing = { uid: 0, gid: 0, links: 1, device: 0, inode: 0, modified: new Date(0) } as const;

/**
 * The files of a target as a file port, read-only and with no way out of it: symlinks are there and lead nowhere. So
 * what reads a fleet from the disk reads one from a commit, too, and a hostile one cannot name files of this machine.
 */
export function targetFiles(
  target: Target,
): Pick<Files, "read" | "list" | "status" | "statusOfLink" | "realPath" | "stream"> {
  const entries = new Map<string, TargetEntry>();
  const directories = new Map<string, Set<string>>([["", new Set()]]);
  for (const entry of target.entries) {
    entries.set(entry.path, entry);
    for (let path = entry.path; path !== ""; path = above(path)) {
      const siblings = directories.get(above(path)) ?? new Set();
      directories.set(above(path), siblings);
      if (siblings.has(posix.basename(path))) break;
      siblings.add(posix.basename(path));
    }
  }
  const read = async (path: string, limit: number): Promise<Uint8Array> => {
    const entry = entries.get(inside(path) ?? "");
    if (entry === undefined) throw missing(path);
    if (entry.kind !== "file")
      throw new NixsealError("io", "a symlink, which an audit does not follow", {
        where: { file: entry.path },
      });
    return target.read(entry, limit);
  };
  const status = async (path: string): Promise<FileStatus | null> => {
    const place = inside(path);
    if (place === null) return null;
    if (directories.has(place)) return { kind: "directory", mode: 0o755, size: 0, ...nothing };
    const entry = entries.get(place);
    return entry === undefined ? null : { kind: entry.kind, mode: 0o644, size: entry.size, ...nothing };
  };
  return {
    read: (path, { limit }) => read(path, limit),
    async *stream(path) {
      yield await read(path, entries.get(inside(path) ?? "")?.size ?? 0);
    },
    status,
    statusOfLink: status,
    list: async (path) => {
      const names = directories.get(inside(path) ?? "/");
      if (names === undefined) throw missing(path);
      return [...names].sort();
    },
    realPath: async (path) => {
      if ((await status(path)) === null) throw missing(path);
      return posix.normalize(path);
    },
  };
}

/** null for what is not in the target. */
function inside(path: string): string | null {
  const whole = posix.normalize(path);
  if (whole === targetRoot) return "";
  return whole.startsWith(`${targetRoot}/`) ? whole.slice(targetRoot.length + 1) : null;
}

function above(path: string): string {
  const parent = posix.dirname(path);
  return parent === "." ? "" : parent;
}

function missing(path: string): NixsealError {
  return new NixsealError("not-found", "no such file in the target", {
    where: { file: inside(path) ?? path },
  });
}
