/** `key  value` lines for people, the values aligned; a list takes a line each, and what is empty is left out. */
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
