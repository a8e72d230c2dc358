import type { Splice } from "./splice.ts";
import { applySplices } from "./splice.ts";

const context = 3;

/** Lines `from` to `to` (counted from 0, `to` not included) become other lines. */
interface LineChange {
  readonly from: number;
  readonly to: number;
  readonly lines: readonly string[];
}

/** A unified diff of one file, as `diff -u` writes it; the empty string when nothing changes. */
export function unifiedDiff(file: string, before: string, splices: readonly Splice[]): string {
  const old = linesOf(before);
  const changes = lineChanges(before, old, splices);
  if (changes.length === 0) return "";
  let shift = 0;
  const hunks = hunksOf(changes).map((hunk) => {
    const text = hunkText(old, hunk, shift);
    shift += hunk.reduce((sum, change) => sum + change.lines.length - (change.to - change.from), 0);
    return text;
  });
  return `--- a/${file}\n+++ b/${file}\n${hunks.join("")}`;
}

/** Splices widened to whole lines; those that touch the same line are one change. */
function lineChanges(before: string, old: readonly string[], splices: readonly Splice[]): LineChange[] {
  const starts = [0];
  for (const line of old) starts.push(starts.at(-1)! + line.length);
  const lineOf = (offset: number): number => {
    let low = 0;
    let high = old.length;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  const groups: { from: number; to: number; splices: Splice[] }[] = [];
  for (const splice of [...splices].sort((a, b) => a.start - b.start || a.end - b.end)) {
    const from = lineOf(splice.start);
    const whole =
      starts[lineOf(splice.end)] === splice.end && (splice.text === "" || splice.text.endsWith("\n"));
    const to = Math.min(old.length, lineOf(splice.end) + (whole && starts[from] === splice.start ? 0 : 1));
    const last = groups.at(-1);
    if (last !== undefined && from < last.to) {
      last.to = Math.max(last.to, to);
      last.splices.push(splice);
    } else groups.push({ from, to, splices: [splice] });
  }
  return groups.map(({ from, to, splices }) => {
    const base = starts[from]!;
    const moved = splices.map((splice) => ({
      ...splice,
      start: splice.start - base,
      end: splice.end - base,
    }));
    return { from, to, lines: linesOf(applySplices(before.slice(base, starts[to]), moved)) };
  });
}

function hunksOf(changes: readonly LineChange[]): LineChange[][] {
  const hunks: LineChange[][] = [];
  for (const change of changes) {
    const last = hunks.at(-1);
    if (last !== undefined && change.from - last.at(-1)!.to <= 2 * context) last.push(change);
    else hunks.push([change]);
  }
  return hunks;
}

function hunkText(old: readonly string[], hunk: readonly LineChange[], shift: number): string {
  const from = Math.max(0, hunk[0]!.from - context);
  const to = Math.min(old.length, hunk.at(-1)!.to + context);
  const body: string[] = [];
  let next = from;
  for (const change of hunk) {
    body.push(...old.slice(next, change.from).map((line) => ` ${line}`));
    body.push(...old.slice(change.from, change.to).map((line) => `-${line}`));
    body.push(...change.lines.map((line) => `+${line}`));
    next = change.to;
  }
  body.push(...old.slice(next, to).map((line) => ` ${line}`));
  const after = body.filter((line) => !line.startsWith("-")).length;
  const place = (start: number, count: number): string => `${count === 0 ? start : start + 1},${count}`;
  const ended = body.map((line) => (line.endsWith("\n") ? line : `${line}\n\\ No newline at end of file\n`));
  return `@@ -${place(from, to - from)} +${place(from + shift, after)} @@\n${ended.join("")}`;
}

/** Lines with their ends. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+/g) ?? [];
}
