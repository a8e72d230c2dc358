import { utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { NarLimits } from "./format.ts";
import { readNar } from "./reader.ts";

/**
 * What an archive holds, in the shape that `nix nar ls --json --recursive` prints and binary caches keep as
 * `.ls`.
 */
export type NarListing =
  | {
      readonly type: "regular";
      readonly size: number;
      readonly executable?: true;
      /** Where the content starts in the archive. */
      readonly narOffset: number;
    }
  | { readonly type: "symlink"; readonly target: string }
  | { readonly type: "directory"; readonly entries: Readonly<Record<string, NarListing>> };

const maxEntries = 2_000_000;

/**
 * Less than an archive may have: JSON.stringify and most readers of JSON recurse, and must not run out of
 * stack.
 */
const maxDepth = 1000;

/**
 * Reads a NAR to its end and lists it. Throws as `readNar` does, and `malformed` for names that are not
 * UTF-8, which JSON cannot hold. A listing has one object an entry: more than two million are `limit`.
 */
export async function listNar(
  source: AsyncIterable<Uint8Array>,
  limits: Partial<NarLimits> = {},
): Promise<NarListing> {
  const open: Record<string, NarListing>[] = [];
  let root: NarListing | undefined;
  let count = 0;
  const add = (name: Uint8Array, listing: NarListing): void => {
    if (++count > maxEntries) throw new NixsealError("limit", `the NAR has more than ${maxEntries} entries`);
    const parent = open.at(-1);
    if (parent === undefined) root = listing;
    else parent[utf8Text(name, "a file name in the NAR")] = listing;
  };
  for await (const event of readNar(source, { depth: maxDepth, ...limits })) {
    switch (event.type) {
      case "directory": {
        // No prototype: a file may be called __proto__.
        const entries = Object.create(null) as Record<string, NarListing>;
        add(event.name, { type: "directory", entries });
        open.push(entries);
        break;
      }
      case "end":
        open.pop();
        break;
      case "symlink":
        add(event.name, {
          type: "symlink",
          target: utf8Text(event.target, "the target of a symlink in the NAR"),
        });
        break;
      case "file":
        add(event.name, {
          type: "regular",
          size: event.size,
          ...(event.executable ? { executable: true } : {}),
          narOffset: event.offset,
        });
        break;
      case "content":
        break;
    }
  }
  return root!;
}
