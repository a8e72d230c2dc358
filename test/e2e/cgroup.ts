import { existsSync, readdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";

/** Removes a tree of empty cgroups. False while there is a process in it that is not gone yet. */
export function removeCgroup(path: string): boolean {
  if (!existsSync(path)) return true;
  const below = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  if (!below.every((entry) => removeCgroup(join(path, entry.name)))) return false;
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EBUSY") return false;
    throw error;
  }
}
