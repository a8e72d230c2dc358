import type { AST } from "../syntax-tree.ts";
import { keyText } from "../syntax-tree.ts";
import { stringSource } from "./add-entry.ts";
import { allEntryNodes } from "./entry-nodes.ts";
import { withoutElements } from "./list-elements.ts";
import type { Splice } from "./splice.ts";

/** The selector lists that name hosts, or members. */
export type SelectorKey = "hosts" | "readers";

interface Reference {
  readonly list: AST.TOMLArray;
  readonly index: number;
  readonly negative: boolean;
}

/** Puts the new name wherever a selector names the old one. */
export function renameReferences(
  tree: AST.TOMLProgram,
  key: SelectorKey,
  from: string,
  to: string,
): Splice[] {
  return references(tree, key, from).map(({ list, index, negative }) => {
    const [start, end] = list.elements[index]!.range;
    return { start, end, text: stringSource(negative ? `!${to}` : to) };
  });
}

/** Takes the name out of the selectors that name it. */
export function removeReferences(
  text: string,
  tree: AST.TOMLProgram,
  key: SelectorKey,
  name: string,
): Splice[] {
  const found = references(tree, key, name);
  return [...new Set(found.map(({ list }) => list))].flatMap((list) => {
    const removed = new Set(found.filter((reference) => reference.list === list).map(({ index }) => index));
    return withoutElements(text, list, removed);
  });
}

function references(tree: AST.TOMLProgram, key: SelectorKey, name: string): Reference[] {
  return selectorLists(tree, key).flatMap((list) =>
    list.elements.flatMap((element, index) => {
      if (element.type !== "TOMLValue" || element.kind !== "string") return [];
      if (element.value !== name && element.value !== `!${name}`) return [];
      return [{ list, index, negative: element.value !== name }];
    }),
  );
}

/** The lists at `secrets.X.KEY`, however the tables are written. */
function selectorLists(tree: AST.TOMLProgram, key: SelectorKey): AST.TOMLArray[] {
  return allEntryNodes(tree, "secrets").flatMap(({ node, name }) => {
    const rest = node.key.keys.slice(node.key.keys.indexOf(name) + 1).map(keyText);
    return node.type === "TOMLTable"
      ? rest.length === 0
        ? inPairs(node.body, key)
        : []
      : inPair(rest, node.value, key);
  });
}

function inPairs(pairs: readonly AST.TOMLKeyValue[], key: SelectorKey): AST.TOMLArray[] {
  return pairs.flatMap((pair) => inPair(pair.key.keys.map(keyText), pair.value, key));
}

function inPair(path: readonly string[], value: AST.TOMLContentNode, key: SelectorKey): AST.TOMLArray[] {
  if (path.length === 0) return value.type === "TOMLInlineTable" ? inPairs(value.body, key) : [];
  return path.length === 1 && path[0] === key && value.type === "TOMLArray" ? [value] : [];
}
