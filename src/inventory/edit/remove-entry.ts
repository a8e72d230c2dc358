import { NixsealError } from "../../core/errors.ts";
import type { AST } from "../syntax-tree.ts";
import { entryNodes, type EntryTable } from "./entry-nodes.ts";
import { endWithComments, lineAfter, lineAt, lineStart, startWithComments } from "./lines.ts";
import type { Splice } from "./splice.ts";

/** Removes all that makes the entry, with the comments that are attached to it. */
export function removeEntry(text: string, tree: AST.TOMLProgram, table: EntryTable, name: string): Splice[] {
  const nodes = entryNodes(tree, table, name);
  const inline = nodes.find((found) => found.inline);
  if (inline !== undefined)
    throw new NixsealError("config", `'${name}' is written inside of braces`, {
      hint: `write it as [${table}.${name}], or remove it by hand`,
      where: { line: inline.node.loc.start.line, column: inline.node.loc.start.column + 1 },
    });
  return merged(nodes.map(({ node }) => wholeLines(text, node)));
}

function wholeLines(text: string, node: AST.TOMLTable | AST.TOMLKeyValue): Splice {
  const isBlock = node.type === "TOMLTable";
  let start = startWithComments(text, lineStart(text, node.range[0]));
  let end = lineAfter(text, node.range[1]);
  if (isBlock) end = endWithComments(text, end);
  // A comment at the very top is about the file, as long as something stays below it.
  if (start === 0 && isBlock) start = lineStart(text, node.range[0]);
  // One of the two blank lines around a block goes with it. One below a comment stays: it keeps the comment apart.
  if (isBlock && end < text.length && lineAt(text, end) === "") end = lineAfter(text, end);
  else if (isBlock && start > 0) {
    const above = lineStart(text, start - 1);
    const isComment = above > 0 && lineAt(text, lineStart(text, above - 1)).startsWith("#");
    if (lineAt(text, above) === "" && !isComment) start = above;
  }
  return { start, end, text: "" };
}

/** Neighbours may both claim the blank line or comment between them. */
function merged(splices: readonly Splice[]): Splice[] {
  const result: Splice[] = [];
  for (const splice of [...splices].sort((a, b) => a.start - b.start)) {
    const last = result.at(-1);
    if (last === undefined || splice.start > last.end) result.push(splice);
    else result[result.length - 1] = { ...last, end: Math.max(last.end, splice.end) };
  }
  return result;
}
