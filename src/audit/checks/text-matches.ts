import type { Hit } from "./check.ts";

/** Every match with the number of its line; each newline is counted once. Patterns must take time linear in the text. */
export function* matchesOf(
  text: string,
  pattern: RegExp,
): Generator<{ line: number; match: RegExpMatchArray }> {
  let line = 1;
  let counted = 0;
  for (const match of text.matchAll(pattern)) {
    for (
      let next = text.indexOf("\n", counted);
      next !== -1 && next < match.index;
      next = text.indexOf("\n", counted)
    ) {
      line++;
      counted = next + 1;
    }
    yield { line, match };
  }
}

const longestLine = 1000;

/**
 * A hit for each line that matches; of long lines only the beginning is looked at. Patterns for lines may look back and
 * forth within them, which on a line of a megabyte that somebody prepared would take hours.
 */
export function* linesWith(text: string, pattern: RegExp): Generator<Hit> {
  let line = 0;
  for (let start = 0; start <= text.length;) {
    const newline = text.indexOf("\n", start);
    const end = newline === -1 ? text.length : newline;
    line++;
    if (pattern.test(beginning(text.slice(start, end)))) yield { line };
    start = end + 1;
  }
}

/** Blanks do not count, so that nobody hides the rest of a line behind a thousand of them. */
function beginning(line: string): string {
  return line.length <= longestLine ? line : line.replace(/[ \t]+/g, " ").slice(0, longestLine);
}

/** Shannon's entropy of the characters, in bits for one: random base64 has about 5, words about 3, `xxxx` 0. */
export function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}
