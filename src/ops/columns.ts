/** Rows as aligned columns; the first row is the heading. Trailing space is left out. */
export function columns(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [heading.map((title) => title.toUpperCase()), ...rows];
  const widths = heading.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  return all.map((row) => row.map((cell, column) => cell.padEnd(widths[column]!)).join("  ").trimEnd()).join("\n");
}

/** `key  value` lines with the values aligned; empty values are left out. */
export function facts(pairs: readonly (readonly [string, string | readonly string[]])[]): string {
  const width = Math.max(...pairs.map(([key]) => key.length));
  return pairs
    .flatMap(([key, value]) => {
      const lines = typeof value === "string" ? [value] : value;
      return lines
        .filter((line) => line !== "")
        .map((line, index) => `${(index === 0 ? key : "").padEnd(width)}  ${line}`);
    })
    .join("\n");
}
