import type { Stats } from "node:fs";
import type { FileKind } from "../core/file-ports.ts";

export function kindOf(stats: Stats): FileKind {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "directory";
  return stats.isSymbolicLink() ? "symlink" : "other";
}
