import { keyText, type AST } from "../syntax-tree.ts";

export type EntryTable = "hosts" | "members" | "secrets";

/** Something in a file that makes a part of an entry: a `[hosts.x…]` block or a `hosts.x… = …` pair. */
export interface EntryNode {
  readonly node: AST.TOMLTable | AST.TOMLKeyValue;
  /** The part of its key that is the entry's name. */
  readonly name: AST.TOMLBare | AST.TOMLQuoted;
  /** Inside of braces, where there are commas to mind. */
  readonly inline: boolean;
}

/** Every node that belongs to the entry, in the order of the file. */
export function entryNodes(tree: AST.TOMLProgram, table: EntryTable, name: string): EntryNode[] {
  return allEntryNodes(tree, table).filter((found) => keyText(found.name) === name);
}

/** Every node of every entry of the table. */
export function allEntryNodes(tree: AST.TOMLProgram, table: EntryTable): EntryNode[] {
  return tree.body[0].body.flatMap((node): EntryNode[] => {
    const [first, second] = node.key.keys;
    if (keyText(first!) !== table) return [];
    if (second !== undefined) return [{ node, name: second, inline: false }];
    if (node.type === "TOMLTable") return pairs(node.body, false);
    return node.value.type === "TOMLInlineTable" ? pairs(node.value.body, true) : [];
  });
}

function pairs(body: readonly AST.TOMLKeyValue[], inline: boolean): EntryNode[] {
  return body.map((node) => ({ node, name: node.key.keys[0]!, inline }));
}
