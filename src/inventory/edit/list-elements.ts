import type { AST } from "../syntax-tree.ts";
import { lineAfter, lineStart } from "./lines.ts";
import type { Splice } from "./splice.ts";

/** Takes elements out of a list; the others keep their lines, comments and commas. */
export function withoutElements(text: string, list: AST.TOMLArray, removed: ReadonlySet<number>): Splice[] {
  if (list.elements.every((_, index) => removed.has(index)))
    return [{ start: list.range[0], end: list.range[1], text: "[]" }];
  const splices: Splice[] = [];
  for (let first = 0; first < list.elements.length; first++) {
    if (!removed.has(first)) continue;
    let last = first;
    while (removed.has(last + 1)) last++;
    splices.push(withoutRun(text, list, first, last));
    first = last;
  }
  return splices;
}

/** Neighbouring elements, from the first to the last of them. */
function withoutRun(text: string, list: AST.TOMLArray, first: number, last: number): Splice {
  const start = list.elements[first]!.range[0];
  const end = list.elements[last]!.range[1];
  const isLast = last === list.elements.length - 1;
  const comma = /^\s*,[ \t]*/.exec(text.slice(end, list.range[1]))?.[0] ?? "";
  const rest = text.slice(end + comma.length, lineAfter(text, end + comma.length)).trim();
  const hasLines =
    text.slice(lineStart(text, start), start).trim() === "" &&
    (rest === "" || rest.startsWith("#")) &&
    (isLast || (comma !== "" && !comma.includes("\n")));
  if (hasLines) return { start: lineStart(text, start), end: lineAfter(text, end), text: "" };
  if (!isLast) return { start, end: end + comma.length, text: "" };
  // The comma in front goes with the last element, unless a comment stands between.
  const before = list.elements[first - 1]!.range[1];
  const gap = text.slice(before, start);
  return /^\s*,\s*$/.test(gap)
    ? { start: before, end, text: "" }
    : { start, end: end + comma.length, text: "" };
}
