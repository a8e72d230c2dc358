import type { Definition } from "./definitions.ts";
import { plainPriority } from "./module-functions.ts";

/** Lists whose elements are modules of one system. */
const modules: ReadonlySet<string> = new Set(["imports", "modules", "extraModules", "sharedModules", "[]"]);

/** The module system takes the definitions of the strongest priority and forgets the others. */
export function withoutOverridden(definitions: readonly Definition[]): Definition[] {
  if (definitions.every(({ priority }) => priority === plainPriority)) return [...definitions];
  const strongest = new Map<string, number>();
  for (const { path, priority, conditional } of definitions) {
    if (conditional) continue;
    const key = path.join("\0");
    strongest.set(key, Math.min(priority, strongest.get(key) ?? Infinity));
  }
  return definitions.filter(
    ({ path, priority }) => !isOneSystem(path) || priority <= (strongest.get(path.join("\0")) ?? Infinity),
  );
}

/** Two elements of another list may be two machines, of which one says nothing about the other. */
function isOneSystem(path: readonly string[]): boolean {
  return path.every((name, index) => name !== "[]" || (index > 0 && modules.has(path[index - 1]!)));
}
