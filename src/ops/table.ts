import { stripVTControlCharacters } from "node:util";
import type { Paint } from "./op.ts";

/** Columns for people: a faint head, two spaces between, nothing behind the last. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], paint: Paint): string {
  const all = [head.map((cell) => paint.weak(cell)), ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((cells) => width(cells[column] ?? ""))));
  return all
    .map((cells) =>
      cells
        .map((cell, column) => cell + " ".repeat(widths[column]! - width(cell)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function width(cell: string): number {
  return stripVTControlCharacters(cell).length;
}
