/** Imports what waited in the quarantine and is named by a warrant now: nobody has to send it again. */
import type { PathInfo } from "../../nix/path-info.ts";
import type { StorePath } from "../../nix/store-path.ts";
import { claimOf } from "../../trust/warrant/closure.ts";
import type { Quarantine } from "../quarantine/quarantine.ts";
import type { WarrantedPaths } from "../warranted.ts";
import type { ImportQueue } from "./import-queue.ts";

/** Each path after those that it refers to, as Nix takes them. What is already there the root side answers quickly. */
export async function importHeld(
  quarantine: Quarantine,
  warranted: WarrantedPaths,
  queue: ImportQueue,
  storeDirectory: string,
): Promise<void> {
  const held = new Map<StorePath, PathInfo>();
  const named = new Set(warranted.digests());
  for (const claim of await quarantine.claims()) {
    if (!named.has(claim.digest)) continue;
    const info = await quarantine.read(claim, storeDirectory);
    const wanted = info === null ? null : warranted.get(info.path);
    if (info !== null && wanted !== null && claimOf(wanted.path) === claimOf(info)) held.set(info.path, info);
  }
  for (const info of referencesFirst(held))
    await queue.add({ info, file: null }, { kind: "import", bytes: null, path: info.path, uploader: null });
}

/** Without recursion: how long a chain of references is, whoever made the closure decides. */
export function referencesFirst<Info extends Pick<PathInfo, "path" | "references">>(
  infos: ReadonlyMap<StorePath, Info>,
): Info[] {
  const ordered: Info[] = [];
  const begun = new Set<StorePath>();
  for (const start of infos.keys()) {
    const stack: { readonly info: Info; next: number }[] = [];
    const enter = (path: StorePath): void => {
      const info = infos.get(path);
      if (info === undefined || begun.has(path)) return;
      begun.add(path);
      stack.push({ info, next: 0 });
    };
    enter(start);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const reference = top.info.references[top.next++];
      if (reference !== undefined) enter(reference);
      else ordered.push(stack.pop()!.info);
    }
  }
  return ordered;
}
