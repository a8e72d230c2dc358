/** The second reading of a bundle: what is missing goes to the importer. The first has found the bundle whole. */
import { NixsealError } from "../core/errors.ts";
import type { Files } from "../core/file-ports.ts";
import { nix32 } from "../nix/base32.ts";
import type { StorePath } from "../nix/store-path.ts";
import type { ClosurePath } from "../trust/warrant/closure.ts";
import { archivesOf } from "./bundle.ts";
import type { Importer } from "./importer.ts";

/** Bytes: an archive of which several paths are made is held in memory up to this, else it is read once more for each. */
const mostHeld = 1 << 20;

/**
 * The archives come in the order in which Nix takes them. An archive of several paths comes once, where the first of them is due: what
 * refers to others that are still to come waits for another reading.
 */
export async function importArchives(
  files: Pick<Files, "stream">,
  file: string,
  missing: ReadonlyMap<StorePath, ClosurePath>,
  importer: Pick<Importer, "add">,
): Promise<void> {
  const left = new Map(missing);
  const isDue = ({ path, references }: ClosurePath): boolean =>
    left.has(path) && references.every((reference) => reference === path || !left.has(reference));
  while (left.size > 0) {
    const wanted = byHash(left.values());
    const before = left.size;
    for await (const { hash, nar } of archivesOf(files, file, new Set(wanted.keys()))) {
      const paths = wanted.get(hash)!;
      const first = paths.find(isDue);
      if (first === undefined) {
        for await (const _ of nar);
        continue;
      }
      if (paths.length === 1 || first.narSize > mostHeld) {
        await importer.add(first, sized(nar, first));
        left.delete(first.path);
        continue;
      }
      const held = await gathered(sized(nar, first));
      for (let due: ClosurePath | undefined = first; due !== undefined; due = paths.find(isDue)) {
        await importer.add(due, pieces(held));
        left.delete(due.path);
      }
    }
    if (left.size === before)
      throw new NixsealError("malformed", `the bundle's archives never come to ${left.keys().next().value!}`);
  }
}

export function hashOf({ narHash }: Pick<ClosurePath, "narHash">): string {
  return nix32(narHash.digest);
}

function byHash(paths: Iterable<ClosurePath>): Map<string, ClosurePath[]> {
  const groups = new Map<string, ClosurePath[]>();
  for (const path of paths) groups.set(hashOf(path), [...(groups.get(hashOf(path)) ?? []), path]);
  return groups;
}

/** The first reading found it whole; a stick, or whoever owns the file, may give something else now. */
async function* sized(
  nar: AsyncIterable<Uint8Array>,
  { path, narSize }: Pick<ClosurePath, "path" | "narSize">,
): AsyncGenerator<Uint8Array, void, undefined> {
  let left = narSize;
  for await (const piece of nar) {
    left -= piece.length;
    if (left < 0) break;
    yield piece;
  }
  if (left !== 0)
    throw new NixsealError(
      "malformed",
      `the bundle was changed while it was read: another archive of ${path}`,
    );
}

async function gathered(nar: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const piece of nar) parts.push(piece);
  return Buffer.concat(parts);
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
