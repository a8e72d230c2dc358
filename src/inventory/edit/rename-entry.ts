import type { AST } from "../syntax-tree.ts";
import { keySource } from "./add-entry.ts";
import { entryNodes, type EntryTable } from "./entry-nodes.ts";
import type { Splice } from "./splice.ts";

/** Gives the entry another name wherever its name is a key. */
export function renameEntry(tree: AST.TOMLProgram, table: EntryTable, from: string, to: string): Splice[] {
  return entryNodes(tree, table, from).map(({ name }) => {
    return { start: name.range[0], end: name.range[1], text: keySource(to) };
  });
}
